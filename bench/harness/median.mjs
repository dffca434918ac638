/**
 * @param {readonly number[]} values at least one
 * @returns {number}
 */
export function median(values) {
  return (
    (quantile(values, 0.5) +
      -quantile(
        values.map((value) => -value),
        0.5
      )) /
    2
  )
}

/**
 * The value below which this part of all values lies (nearest rank).
 *
 * @param {readonly number[]} values at least one
 * @param {number} part between 0 and 1
 */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)]
  if (value === undefined) throw new Error('no values')
  return value
}
