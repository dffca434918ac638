import { MAX_EVENTS, tooManyEvents } from '../format/chain.ts'
import type { DecodedEvent, EventKind } from '../format/event.ts'

/** Events below these numbers may be: of an admin; of the identity's keys; and of them a revocation. FORMAT.md, "Room". */
export const ADMIN_ROOM = 32_768
export const CONTROL_ROOM = 65_536
export const REVOCATION_ROOM = 67_584

const UNBOUND: readonly EventKind[] = ['rotate', 'announceRecovery', 'recover']

/**
 * Who has stolen an admin, or the present keys, must not be able to fill a chain so that nothing can take the identity back.
 *
 * @throws KEY_ROTATION_TOO_LARGE
 */
export function checkRoom({ seq, admin, change }: DecodedEvent): void {
  const room = UNBOUND.includes(change.kind)
    ? MAX_EVENTS
    : admin !== null
      ? ADMIN_ROOM
      : change.kind === 'revokeDevice'
        ? REVOCATION_ROOM
        : CONTROL_ROOM
  if (seq >= room) throw tooManyEvents()
}
