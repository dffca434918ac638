import b4a from 'b4a'
import { MAX_EVENTS, tooManyEvents } from '../format/chain.ts'
import { decodeEvent } from '../format/event.ts'
import { firstDifference } from '../memory/difference.ts'
import type { EventsMessage } from './messages.ts'

/** The newest event of a history. */
export interface Tip {
  readonly seq: number
  readonly hash: Uint8Array
}

/**
 * The history that a message goes on with.
 *
 * @param histories - those that it may be
 * @returns `null` where it goes on with none of them
 * @throws what `decodeEvent` throws, and KEY_ROTATION_TOO_LARGE for more events than a chain has
 */
export function continued(
  { from, events }: EventsMessage,
  histories: readonly (readonly Uint8Array[])[]
): readonly Uint8Array[] | null {
  if (from + events.length > MAX_EVENTS) throw tooManyEvents()
  if (from === 0) return events
  const { previous } = decodeEvent(events[0] as Uint8Array)
  const before = histories.find((history) => {
    const event = history[from - 1]
    return event !== undefined && previous !== null && b4a.equals(decodeEvent(event).hash, previous)
  })
  return before === undefined ? null : [...before.slice(0, from), ...events]
}

/** Whether a history has an event. */
export function contains(history: readonly Uint8Array[], { seq, hash }: Tip): boolean {
  const event = history[seq]
  return event !== undefined && b4a.equals(decodeEvent(event).hash, hash)
}

/** The newest event of a history among some; `null` where it has none of them. */
export function newestOf(history: readonly Uint8Array[], tips: readonly Tip[]): Tip | null {
  const shared = tips.filter((tip) => contains(history, tip))
  return shared.reduce<Tip | null>((newest, tip) => (tip.seq > (newest?.seq ?? -1) ? tip : newest), null)
}

/** Whether neither of two histories is the beginning of the other. */
export function isForked(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return firstDifference(a, b) < Math.min(a.length, b.length)
}

/** How much of a history somebody has, of whom it is known which events, and which other history, they have. */
export function sharedLength(
  history: readonly Uint8Array[],
  tips: readonly Tip[],
  other: readonly Uint8Array[] | null
): number {
  const shared = (newestOf(history, tips)?.seq ?? -1) + 1
  return Math.max(shared, other === null ? 0 : firstDifference(history, other))
}

export function tipOf(history: readonly Uint8Array[]): Tip {
  const last = history.at(-1) as Uint8Array
  return { seq: history.length - 1, hash: decodeEvent(last).hash }
}
