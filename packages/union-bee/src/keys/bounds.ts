import type { Key, KeyRange } from '../types.ts'
import type { Keys } from './keys.ts'

/** One end of a range. */
interface Bound<K> {
  key: K
  inclusive: boolean
}

/** A range of keys; an end that is `null` is open. */
export interface Bounds<K> {
  lower: Bound<K> | null
  upper: Bound<K> | null
}

/** As Hyperbee reads a range: `gt` before `gte`, `lt` before `lte`, and what is `null` is open. @throws UnionBeeError `UNION_BEE_BAD_KEY` */
export function boundsOf<K extends Key>({ gt, gte, lt, lte }: KeyRange<K>, keys: Keys<K>): Bounds<K> {
  const end = (exclusive: K | undefined, inclusive: K | undefined): Bound<K> | null => {
    if (exclusive != null) return { key: keys.check(exclusive), inclusive: false }
    return inclusive == null ? null : { key: keys.check(inclusive), inclusive: true }
  }
  return { lower: end(gt, gte), upper: end(lt, lte) }
}

export function rangeOf<K>({ lower, upper }: Bounds<K>): KeyRange<K> {
  return {
    ...(lower && (lower.inclusive ? { gte: lower.key } : { gt: lower.key })),
    ...(upper && (upper.inclusive ? { lte: upper.key } : { lt: upper.key }))
  }
}

export function isWithin<K extends Key>(key: K, { lower, upper }: Bounds<K>, keys: Keys<K>): boolean {
  if (lower !== null) {
    const order = keys.compare(key, lower.key)
    if (order < 0 || (order === 0 && !lower.inclusive)) return false
  }
  if (upper === null) return true
  const order = keys.compare(key, upper.key)
  return order < 0 || (order === 0 && upper.inclusive)
}

/** What lies in both; `null` when nothing can. */
export function intersection<K extends Key>(a: Bounds<K>, b: Bounds<K>, keys: Keys<K>): Bounds<K> | null {
  const tighter = (x: Bound<K> | null, y: Bound<K> | null, sign: number): Bound<K> | null => {
    if (x === null || y === null) return x ?? y
    const order = keys.compare(x.key, y.key) * sign
    if (order !== 0) return order > 0 ? x : y
    return x.inclusive ? y : x
  }
  const [lower, upper] = [tighter(a.lower, b.lower, 1), tighter(a.upper, b.upper, -1)]
  if (lower !== null && upper !== null) {
    const order = keys.compare(lower.key, upper.key)
    if (order > 0 || (order === 0 && !(lower.inclusive && upper.inclusive))) return null
  }
  return { lower, upper }
}

/** The same range of the keys below a prefix, without the prefix; `null` when none of them is in it. */
export function withoutPrefix<K extends Key>(
  { lower, upper }: Bounds<K>,
  prefix: K,
  keys: Keys<K>
): Bounds<K> | null {
  const inner: Bounds<K> = { lower: null, upper: null }
  if (lower !== null) {
    if (keys.startsWith(lower.key, prefix))
      inner.lower = { ...lower, key: keys.cut(lower.key, prefix.length) }
    else if (keys.compare(lower.key, prefix) > 0) return null
  }
  if (upper === null) return inner
  if (keys.startsWith(upper.key, prefix)) {
    inner.upper = { ...upper, key: keys.cut(upper.key, prefix.length) }
    return inner.upper.key.length === 0 && !upper.inclusive ? null : inner
  }
  return keys.compare(upper.key, prefix) < 0 ? null : inner
}
