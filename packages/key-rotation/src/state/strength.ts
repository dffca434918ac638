import { type DecodedEvent, decodeEvent } from '../format/event.ts'
import type { IdentityState } from './state.ts'

/**
 * What the keys behind a history are worth, from where it parts from another one: 0, admins alone; 1, the present keys, or the quorum; 2, the keys that both histories had
 * committed to.
 */
export type Strength = 0 | 1 | 2

/**
 * How strong a history is. Says the same to everybody, whatever was seen first: docs/decisions/0015.
 *
 * After a recovery that the present keys could have vetoed, the keys that come next are of the quorum's choice: they prove no more than the quorum does, or it could overrule a
 * veto by rotating.
 *
 * @param before - the state where the histories part
 * @param events - right ones, that follow
 */
export function strengthOf(before: IdentityState, events: readonly Uint8Array[]): Strength {
  let strength: Strength = 0
  let isFinal = before.pending?.final === true
  for (const bytes of events) {
    const event = decodeEvent(bytes)
    const { kind } = event.change
    if (isByCommitted(event, isFinal)) return 2
    if (kind === 'announceRecovery') isFinal = false
    if (event.admin === null) strength = 1
    if (kind === 'recover') return 1
  }
  return strength
}

/** By a rotation, by the announcement that reveals the keys, or by completing such a one. */
function isByCommitted({ change }: DecodedEvent, isFinal: boolean): boolean {
  if (change.kind === 'announceRecovery') return change.revealed !== null
  return change.kind === 'rotate' || (change.kind === 'recover' && isFinal)
}
