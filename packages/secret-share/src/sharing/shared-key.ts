import { shareValue, type Share } from '../format/share.ts'
import { interpolate, type Point } from './polynomial.ts'

/** What these shares, of distinct numbers, make together: right or wrong, so compare it with the set's commitment. */
export function sharedKey(shares: readonly Share[]): Uint8Array {
  return interpolate(shares.map(pointOf), 0)
}

/** What the share of a number must be, if these are right. */
export function expectedValue(shares: readonly Share[], index: number): Uint8Array {
  return interpolate(shares.map(pointOf), index)
}

function pointOf(share: Share): Point {
  return { x: share.index, y: shareValue(share) }
}
