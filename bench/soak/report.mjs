import { trend } from './trend.mjs'

/** @typedef {import('./memory.mjs').Sample} Sample */

const MEASURES = /** @type {const} */ (['heap', 'external', 'store', 'view', 'cache', 'rss'])
/** RocksDB fills a memtable for the store and one for the view, 64 MB each, and its cache, 33 MB; the resident set follows. */
const JUDGED = /** @type {const} */ (['heap', 'external'])

export const HEAD = columns(['time', 'operations', ...MEASURES.map((name) => `${name} MB`)])

/**
 * @param {Sample} sample
 * @param {number} operations
 */
export function rowOf(sample, operations) {
  const seconds = Math.round(sample.ms / 1000)
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return columns([time, String(operations), ...MEASURES.map((name) => sample[name].toFixed(1))])
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
