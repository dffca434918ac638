import { comparable, entry, someIndexes } from '../../harness/entries.mjs'
import { quantile } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

/** @typedef {import('../subjects/database.mjs').Database} Database */

const GETS = 2000

/**
 * Random gets, one after the other.
 *
 * @param {Database} database
 * @param {number} keys
 * @returns µs
 */
export async function measureGets(database, keys) {
  /** @type {number[]} */
  const micros = []
  for (const wanted of someIndexes(Math.min(GETS, keys), keys).map((index) => entry(index))) {
    const started = performance.now()
    const value = await database.get(wanted)
    micros.push((performance.now() - started) * 1000)
    if (comparable(value) !== comparable(wanted.value)) {
      throw new Error(`get gave ${JSON.stringify(value)} for entry ${wanted.index}`)
    }
  }
  return { p50: quantile(micros, 0.5), p99: quantile(micros, 0.99) }
}

/**
 * All entries in order.
 *
 * @param {Database} database
 * @param {number} keys
 * @returns entries/s
 */
export async function measureScan(database, keys) {
  let count = 0
  const ms = await milliseconds(async () => {
    for await (const _ of database.scan()) count++
  })
  if (count !== keys) throw new Error(`the scan gave ${count} entries of ${keys}`)
  return (count / ms) * 1000
}
