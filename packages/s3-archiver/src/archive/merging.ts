import { byteLengthOf, type BlockSegment, type Segment } from '../format/segment.ts'
import { isFull } from './pack.ts'

/** So many segments of about one size are made one of the next size. */
const FAN_IN = 8
/** Of all small segments at the end of a core there are no more than so many, whatever their sizes. */
const MAX_SMALL = 64

/**
 * How many of the last segments are to be made one. A writer that is archived every second leaves many small ones: each time there are eight
 * of a size they become one, so that a block is uploaded again only a few times in all, and a reader needs few objects.
 */
export function mergeable(segments: readonly Segment[]): number {
  let smalls = 0
  while (smalls < segments.length && isSmall(segments[segments.length - 1 - smalls] as Segment)) smalls++
  const tiers = segments.slice(segments.length - smalls).map((segment) => tierOf(segment))
  for (let tier = 0; tier <= Math.max(-1, ...tiers); tier++) {
    let [count, equals] = [0, 0]
    for (; count < smalls && (tiers[smalls - 1 - count] as number) <= tier; count++)
      if (tiers[smalls - 1 - count] === tier) equals++
    if (equals >= FAN_IN) return count
  }
  return smalls > MAX_SMALL ? smalls : 0
}

/** What is no shard of its own, and may be put together with others. */
export function isSmall(segment: Segment): segment is BlockSegment {
  return segment.kind === 'blocks' && !isFull(byteLengthOf(segment), segment.count)
}

function tierOf(segment: Segment): number {
  return Math.floor(Math.log(Math.max(1, byteLengthOf(segment))) / Math.log(FAN_IN))
}
