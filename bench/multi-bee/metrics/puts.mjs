// Puts one by one: the last 10,000 of a database of that many keys, each awaited, or with 100 callers that await theirs.
import { diskSize } from '../../harness/disk-size.mjs'
import { entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { loadSubject } from '../subjects/database.mjs'
import { fill } from './fill.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const MEASURED = 10_000
const CALLERS = 100
const subjects = { 'multi-bee': 100_000, hyperbee: 100_000, autobase: 100_000, hypercore: 100_000 }

/** @type {import('../../harness/suite.mjs').Scenario} */
export const putAwaited = {
  module: import.meta.url,
  metrics: [
    { name: 'put-awaited', unit: 'entries/s' },
    { name: 'settled-bytes-single', unit: 'B/entry' }
  ],
  subjects,
  measure: async ({ step, wants, dir, keys }) => {
    await step('prepare')
    const { values } = await step('put', { callers: 1 })
    if (wants('settled-bytes-single')) await step('reopen')
    return { 'put-awaited': rate(values, keys), 'settled-bytes-single': diskSize(dir) / keys }
  }
}

/** @type {import('../../harness/suite.mjs').Scenario} */
export const putInflight = {
  module: import.meta.url,
  metrics: [{ name: 'put-inflight-100', unit: 'entries/s' }],
  subjects,
  measure: async ({ step, keys }) => {
    await step('prepare')
    const { values } = await step('put', { callers: CALLERS })
    return { 'put-inflight-100': rate(values, keys) }
  }
}

export const steps = {
  /** All but the entries that are measured. @param {StepInput} input */
  async prepare({ subject, keys, dir }) {
    const open = await loadSubject(subject)
    const database = await open(dir)
    await fill(database, Math.max(0, keys - MEASURED))
    await database.close()
    return {}
  },

  /** @param {StepInput & { callers: number }} input */
  async put({ subject, keys, dir, callers }) {
    const open = await loadSubject(subject)
    const database = await open(dir)
    const count = Math.min(keys, MEASURED)
    const queue = entries(count, { from: keys - count }).values()
    const ms = await milliseconds(async () => {
      await Promise.all(Array.from({ length: callers }, () => putAll(database, queue)))
      await database.flush()
    })
    await database.close()
    return { ms }
  },

  /** What is in a write-ahead log when a store closes is moved out of it by the next one. @param {StepInput} input */
  async reopen({ subject, dir }) {
    const open = await loadSubject(subject)
    const database = await open(dir)
    await database.close()
    return {}
  }
}

/**
 * One caller: takes the next entry when its last put has resolved.
 *
 * @param {import('../subjects/database.mjs').Database} database
 * @param {Iterable<import('../../harness/entries.mjs').Entry>} queue shared with other callers
 */
async function putAll(database, queue) {
  for (const entry of queue) await database.put(entry)
}

/**
 * @param {Record<string, number>} values
 * @param {number} keys
 */
function rate({ ms = NaN }, keys) {
  return (Math.min(keys, MEASURED) / ms) * 1000
}
