import { trend } from './trend.mjs'

/** @typedef {import('./memory.mjs').Sample} Sample */

const MEASURES = /** @type {const} */ (['heap', 'external', 'rocks', 'rss'])
/** RocksDB fills its memtables and its block cache up to their limits, and the resident set follows it; neither is a leak. */
const JUDGED = /** @type {const} */ (['heap', 'external'])

export const HEAD = columns(['time', 'operations', 'heap MB', 'external MB', 'rocksdb MB', 'rss MB'])

/**
 * @param {Sample} sample
 * @param {number} operations
 */
export function rowOf({ ms, heap, external, rocks, rss }, operations) {
  const seconds = Math.round(ms / 1000)
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return columns([time, String(operations), ...[heap, external, rocks, rss].map((value) => value.toFixed(1))])
}

/**
 * Prints what was done, and how memory went in the second half.
 *
 * @param {readonly Sample[]} samples
 * @param {Record<string, number>} counts
 * @returns whether it grows
 */
export function report(samples, counts) {
  const done = Object.entries(counts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
  console.log(`\ndone: ${done.join(', ')}`)
  const trends = new Map(
    MEASURES.map((name) => [name, trend(samples.map((sample) => ({ ms: sample.ms, value: sample[name] })))])
  )
  const figures = [...trends].map(([name, found]) =>
    found === null
      ? `${name} –`
      : `${name} ${found.level.toFixed(1)} MB, at most ${found.most.toFixed(1)} (${signed(found.perHour)} MB/h)`
  )
  const growing = JUDGED.filter((name) => trends.get(name)?.isGrowing)
  const isKnown = JUDGED.every((name) => trends.get(name) !== null)
  const verdict =
    growing.length > 0 ? `GROWS: ${growing.join(', ')}` : isKnown ? 'no growth' : 'too short to tell'
  console.log(`second half: ${figures.join('; ')}: ${verdict}`)
  return growing.length > 0
}

/** @param {number} value */
function signed(value) {
  return `${value < 0 ? '' : '+'}${value.toFixed(1)}`
}

/** @param {string[]} cells */
function columns(cells) {
  return cells.map((cell) => cell.padStart(12)).join('')
}
