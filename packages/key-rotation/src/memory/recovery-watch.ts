import b4a from 'b4a'
import { decodeEvent, type DecodedEvent } from '../format/event.ts'
import { advance } from '../state/apply.ts'
import { type Draft, draftOf, type IdentityState } from '../state/state.ts'
import { checkClock, CLOCK_SKEW_MS } from '../verify.ts'

/** When this device first heard of the recovery that waits. */
export interface Sighting {
  readonly announcement: Uint8Array
  /** By its own clock, in ms since 1970. */
  readonly time: number
}

/** By when an event was there at the latest, says somebody whom this device believes; `null` when nobody does. In ms since 1970. */
export type SeenBy = (event: Uint8Array) => number | null

export interface TakenIn {
  readonly state: IdentityState
  /** How many events were taken. */
  readonly count: number
  readonly sighting: Sighting | null
}

/**
 * Takes events in up to the first recovery of which this device has not known for as long as its policy gives everybody to object. By the times that events state
 * alone, a quorum that conspires could announce it in the past, and complete it at once.
 *
 * An announcement that came in within a day of the time it states is believed that.
 *
 * @throws what `apply` throws, of the first event that is wrong, and KEY_ROTATION_BAD_TIME, KEY_ROTATION_TOO_LARGE
 */
export function takeIn(
  before: { readonly state: IdentityState; readonly sighting: Sighting | null },
  events: readonly Uint8Array[],
  now: number,
  seenBy: SeenBy
): TakenIn {
  let state = draftOf(before.state)
  let { sighting } = before
  for (const [count, bytes] of events.entries()) {
    const event = decodeEvent(bytes)
    checkClock(event, now)
    if (isTooEarly(state, event, sighting, now, seenBy)) return { state, count, sighting }
    state = advance(state, event)
    if (event.change.kind === 'announceRecovery') sighting = { announcement: event.hash, time: now }
  }
  return { state, count: events.length, sighting }
}

function isTooEarly(
  { pending }: Draft,
  { change }: DecodedEvent,
  sighting: Sighting | null,
  now: number,
  seenBy: SeenBy
): boolean {
  if (change.kind !== 'recover' || pending === null || pending.final) return false
  const { announcement, announced, due } = pending
  // One that was there when the memory began has been believed as a whole.
  const own = sighting !== null && b4a.equals(sighting.announcement, announcement) ? sighting.time : announced
  const known = Math.min(own, seenBy(announcement) ?? Infinity)
  return now < (known - announced <= CLOCK_SKEW_MS ? due : known + (due - announced))
}
