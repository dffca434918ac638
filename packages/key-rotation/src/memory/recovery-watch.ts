import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import { decodeEvent, type DecodedEvent } from '../format/event.ts'
import { advance } from '../state/apply.ts'
import { type Draft, draftOf, type IdentityState } from '../state/state.ts'
import { aheadOf, CLOCK_SKEW_MS } from '../verify.ts'

/** When this device first heard of a recovery. */
export interface Sighting {
  /** Hash of the event that announced it. */
  readonly announcement: Uint8Array
  /** By its own clock, in ms since 1970. */
  readonly time: number
}

/** Of so many recoveries a device remembers when it heard of them: each took a quorum. */
export const MAX_SIGHTINGS = 64

export interface TakenIn {
  readonly state: IdentityState
  /** How many events were taken. */
  readonly count: number
  readonly sightings: readonly Sighting[]
  /** Why the next one has to wait; `null` when all were taken. It is no fault of who brings it. */
  readonly held: KeyRotationError | null
}

/**
 * Takes events in up to the first one that has to wait: one more than a day ahead of the clock, or else who has the present keys could state the latest time that some devices take and
 * others not yet, and keep what came before from these; or a recovery of which this device has not known for as long as its policy gives everybody to object. By
 * the times that events state alone, a quorum that conspires could announce it in the past, and complete it at once.
 *
 * An announcement that came in within an eighth of the delay after the time it states, and at most a day, is believed that. Nobody else's word shortens the wait: a quorum
 * with one stolen device, or with a service that stamps, could say what it likes, and have kept the announcement to itself.
 *
 * @throws what `apply` throws, of the first event that is wrong
 */
export function takeIn(
  before: { readonly state: IdentityState; readonly sightings: readonly Sighting[] },
  events: readonly Uint8Array[],
  now: number
): TakenIn {
  let state = draftOf(before.state)
  let { sightings } = before
  for (const [count, bytes] of events.entries()) {
    const event = decodeEvent(bytes)
    const ahead = aheadOf(event, now)
    if (ahead !== null) return { state, count, sightings, held: ahead }
    // One of which nothing is known is known of from now on.
    if (event.change.kind === 'recover' && state.pending !== null)
      sightings = withSighting(sightings, state.pending.announcement, now)
    if (now < openFrom(state, event, sightings, now)) return { state, count, sightings, held: tooEarly() }
    state = advance(state, event)
    if (event.change.kind === 'announceRecovery') sightings = withSighting(sightings, event.hash, now)
  }
  return { state, count: events.length, sightings, held: null }
}

/** Of a chain that is there when a memory begins: it is believed as a whole, with the times that it states. */
export function sightingsOf(events: readonly Uint8Array[]): readonly Sighting[] {
  return events
    .map(decodeEvent)
    .filter(({ change }) => change.kind === 'announceRecovery')
    .reduce<readonly Sighting[]>((known, { hash, time }) => withSighting(known, hash, time), [])
}

/** Whether some of these announce a recovery that was not heard of before. */
export function announcesUnknown(events: readonly Uint8Array[], sightings: readonly Sighting[]): boolean {
  return events
    .map(decodeEvent)
    .some(
      ({ change, hash }) => change.kind === 'announceRecovery' && sightingOf(sightings, hash) === undefined
    )
}

/** The first time that a recovery is heard of is the one that counts; where that is still to come, the clock was wrong then. */
function withSighting(
  sightings: readonly Sighting[],
  announcement: Uint8Array,
  time: number
): readonly Sighting[] {
  const known = sightingOf(sightings, announcement)
  if (known !== undefined && known.time <= time) return sightings
  return [...sightings.filter((one) => one !== known), { announcement, time }].slice(-MAX_SIGHTINGS)
}

/**
 * What is heard of in histories that do not count takes no room from the recovery that waits in the one that counts: else a quorum that was replaced could have it forgotten, again and
 * again.
 *
 * @param before - what was remembered, also of that one
 */
export function keepingSighting(
  sightings: readonly Sighting[],
  before: readonly Sighting[],
  { pending }: Pick<IdentityState, 'pending'>
): readonly Sighting[] {
  const own = pending === null ? undefined : sightingOf(before, pending.announcement)
  if (own === undefined || sightingOf(sightings, own.announcement) !== undefined) return sightings
  return [own, ...sightings.slice(1)]
}

function sightingOf(sightings: readonly Sighting[], announcement: Uint8Array): Sighting | undefined {
  return sightings.find((known) => b4a.equals(known.announcement, announcement))
}

/** From when on an event may be taken; 0 for any but a recovery that is not final. */
function openFrom(
  state: Draft,
  { change }: DecodedEvent,
  sightings: readonly Sighting[],
  now: number
): number {
  const { pending } = state
  if (change.kind !== 'recover' || pending === null || pending.final) return 0
  const { announcement, announced, due } = pending
  const known = sightingOf(sightings, announcement)?.time ?? now
  const delay = due - announced
  return known - announced <= Math.min(CLOCK_SKEW_MS, delay / 8) ? due : known + delay
}

function tooEarly(): KeyRotationError {
  const message = 'this device has not known of the recovery for as long as there is to object'
  return new KeyRotationError('KEY_ROTATION_RECOVERY_TOO_EARLY', message)
}
