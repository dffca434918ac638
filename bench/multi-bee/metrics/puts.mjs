// Puts one by one into an empty database: each awaited, or by 100 callers that await theirs.
import { diskSize } from '../../harness/disk-size.mjs'
import { entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { loadSubject } from '../subjects/database.mjs'

/**
 * @typedef {import('../../harness/suite.mjs').StepInput} StepInput
 * @typedef {import('../../harness/entries.mjs').Entry} Entry
 * @typedef {import('../subjects/database.mjs').Database} Database
 */

const CALLERS = 100

/** @type {Record<string, import('../../harness/suite.mjs').Size[]>} */
const subjects = { 'multi-bee': ['small'], hyperbee: ['small'], autobase: ['small'], hypercore: ['small'] }

/** @type {import('../../harness/suite.mjs').Scenario} */
export const putAwaited = {
  module: import.meta.url,
  metrics: [
    { name: 'put-awaited', unit: 'entries/s' },
    { name: 'settled-bytes-single', unit: 'B/entry' }
  ],
  subjects,
  measure: async ({ step, wants, dir, keys }) => {
    const { values } = await step('put', { callers: 1 })
    if (wants('settled-bytes-single')) await step('reopen')
    return { 'put-awaited': values['rate'] ?? NaN, 'settled-bytes-single': diskSize(dir) / keys }
  }
}

/** @type {import('../../harness/suite.mjs').Scenario} */
export const putInflight = {
  module: import.meta.url,
  metrics: [{ name: 'put-inflight-100', unit: 'entries/s' }],
  subjects,
  measure: async ({ step }) => ({
    'put-inflight-100': (await step('put', { callers: CALLERS })).values['rate'] ?? NaN
  })
}

export const steps = {
  /** @param {StepInput & { callers: number }} input */
  async put({ subject, keys, dir, callers }) {
    const database = await (await loadSubject(subject))(dir)
    const rate = await putRate(database, entries(keys), callers)
    await database.close()
    return { rate }
  },

  /** What is in a write-ahead log when a store closes is moved out of it by the next one. @param {StepInput} input */
  async reopen({ subject, dir }) {
    const database = await (await loadSubject(subject))(dir)
    await database.close()
    return {}
  }
}

/**
 * @param {Database} database
 * @param {readonly Entry[]} list
 * @param {number} callers
 * @returns entries/s
 */
export async function putRate(database, list, callers) {
  const queue = list.values()
  const ms = await milliseconds(async () => {
    await Promise.all(Array.from({ length: callers }, () => putAll(database, queue)))
    await database.flush()
  })
  return (list.length / ms) * 1000
}

/**
 * One caller: takes the next entry when its last put has resolved.
 *
 * @param {Database} database
 * @param {Iterable<Entry>} queue shared with other callers
 */
async function putAll(database, queue) {
  for (const entry of queue) await database.put(entry)
}
