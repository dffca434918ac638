import b4a from 'b4a'
import { decodeEvent } from '../format/event.ts'

/**
 * Place of the first event that is not the same one, whoever signed it; where the shorter one ends when there is none.
 *
 * @param from - number of the first event in `brought`; those before are the same
 */
export function firstDifference(
  known: readonly Uint8Array[],
  brought: readonly Uint8Array[],
  from = 0
): number {
  const end = Math.min(known.length, from + brought.length)
  for (let i = from; i < end; i++) {
    const [one, other] = [known[i] as Uint8Array, brought[i - from] as Uint8Array]
    if (one !== other && !b4a.equals(one, other) && !isSameEvent(one, other)) return i
  }
  return end
}

/** Signed by others of those who may. */
function isSameEvent(one: Uint8Array, other: Uint8Array): boolean {
  return b4a.equals(decodeEvent(one).hash, decodeEvent(other).hash)
}
