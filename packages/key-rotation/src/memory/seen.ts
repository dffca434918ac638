import b4a from 'b4a'
import { decodeEvent } from '../format/event.ts'
import type { IdentityState } from '../state/state.ts'
import { checkPin, type Pin, verify } from '../verify.ts'
import type { Decisions } from './decisions.ts'
import { firstDifference } from './difference.ts'
import type { Remembered } from './journal.ts'
import type { Sighting } from './recovery-watch.ts'
import type { Duplicity, Superseded } from './types.ts'

/** All that is remembered, and what follows from it. */
export interface Seen {
  readonly events: readonly Uint8Array[]
  readonly state: IdentityState
  readonly duplicity: Duplicity | null
  readonly superseded: Superseded | null
  readonly decided: Decisions
  readonly sightings: readonly Sighting[]
}

/** @throws what `verify` throws */
export function seenOf({ events, other, superseded, ...kept }: Remembered, identity: Uint8Array): Seen {
  return {
    ...kept,
    events,
    state: verify(events, { trusted: identity }).state,
    duplicity: other && { seq: firstDifference(events, other), branches: [events, other] },
    superseded: superseded && { seq: firstDifference(events, superseded), events: superseded }
  }
}

export function rememberedOf({ duplicity, superseded, ...kept }: Seen): Remembered {
  return { ...kept, other: duplicity?.branches[1] ?? null, superseded: superseded?.events ?? null }
}

/**
 * A memory that went over to another history has what it had believed beside it: a pin of that is no less a pin of this memory.
 *
 * @throws KEY_ROTATION_ROLLBACK, KEY_ROTATION_FORKED
 */
export function checkSeen(
  { events, superseded, duplicity }: Pick<Seen, 'events' | 'superseded' | 'duplicity'>,
  pin: Pin
): void {
  const hashOf = (history: readonly Uint8Array[]): Uint8Array | undefined => {
    const event = history[pin.seq ?? 0]
    return event && decodeEvent(event).hash
  }
  const others = [superseded?.events ?? [], duplicity?.branches[1] ?? []].map(hashOf)
  if (others.some((hash) => hash && pin.hash && b4a.equals(hash, pin.hash))) return
  checkPin(pin, hashOf(events), events.length)
}
