import { median } from '../harness/median.mjs'

/** @typedef {{ ms: number, value: number }} Point */

/**
 * Slope of a line through points, as the median of the slopes between any two (Theil 1950, Sen 1968): one outlier does not move it.
 *
 * @param {readonly Point[]} points
 * @returns value per ms; 0 for fewer than two points
 */
function slope(points) {
  const slopes = points.flatMap((a, i) => points.slice(i + 1).map((b) => (b.value - a.value) / (b.ms - a.ms)))
  return slopes.length === 0 ? 0 : median(slopes)
}

/** Growth over the second half that counts: this part of the median value, and at least so much. */
const GROWING = 0.05
const NOISE_MB = 1
/** Before that, everything is still warming up. */
const SHORTEST_MS = 120_000

/**
 * What became of a value in the second half of a run: the first one is for caches that fill.
 *
 * @param {readonly Point[]} points MB, of the whole run
 */
export function trend(points) {
  const end = points.at(-1)?.ms ?? 0
  const half = points.filter(({ ms }) => ms >= end / 2)
  if (end < SHORTEST_MS) return null
  const perMs = slope(half)
  const level = median(half.map(({ value }) => value))
  const gained = perMs * (end / 2)
  const most = Math.max(...half.map(({ value }) => value))
  return { level, most, perHour: perMs * 3_600_000, isGrowing: gained > Math.max(NOISE_MB, level * GROWING) }
}
