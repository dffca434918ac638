import { entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

/** @typedef {import('../subjects/database.mjs').Database} Database */

const BATCH = 1000

/**
 * Writes entries in batches of 1,000; the last one may be smaller.
 *
 * @param {Database} database
 * @param {number} keys
 * @returns ms, without what it took to make up the entries
 */
export async function fill(database, keys) {
  let ms = 0
  for (let from = 0; from < keys; from += BATCH) {
    const batch = entries(Math.min(BATCH, keys - from), { from })
    ms += await milliseconds(() => database.putBatch(batch))
  }
  return ms + (await milliseconds(() => database.flush()))
}
