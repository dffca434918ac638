// One database, filled in batches of 1,000 and looked at from all sides: each look in a process of its own.
import { diskSize } from '../../harness/disk-size.mjs'
import { entries } from '../../harness/entries.mjs'
import { loadSubject } from '../subjects/database.mjs'
import { batches, batchSteps } from './batches.mjs'
import { fill } from './fill.mjs'
import { coldOpens, openSteps } from './open.mjs'
import { putRate } from './puts.mjs'
import { measureGets, measureScan } from './reads.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

/** Single puts into the filled database; fewer if it is small. */
const PUTS = 10_000
/** Entries that nothing else writes. */
const PUTS_FROM = 2 ** 30

/** @type {import('../../harness/suite.mjs').Scenario} */
export const filled = {
  module: import.meta.url,
  metrics: [
    { name: 'load', unit: 'entries/s' },
    // At the small size the puts go into an empty database: puts.mjs.
    { name: 'put-awaited', unit: 'entries/s', sizes: ['medium', 'large'] },
    { name: 'batch-1000', unit: 'entries/s', home: 'medium' },
    { name: 'batch-1000-warm', unit: 'ms', home: 'medium' },
    { name: 'batch-1000-after-open', unit: 'ms', home: 'medium' },
    { name: 'get-p50', unit: 'µs', home: 'medium' },
    { name: 'get-p99', unit: 'µs', home: 'medium' },
    { name: 'get-p50-after-open', unit: 'µs', home: 'medium' },
    { name: 'get-p99-after-open', unit: 'µs', home: 'medium' },
    { name: 'scan', unit: 'entries/s' },
    { name: 'scan-after-open', unit: 'entries/s' },
    { name: 'cold-open', unit: 'ms', sized: true },
    { name: 'store-open', unit: 'ms', sized: true },
    { name: 'first-open', unit: 'ms', sized: true },
    { name: 'settled-bytes', unit: 'B/entry' },
    { name: 'settled-bytes-log', unit: 'B/entry' },
    { name: 'settled-bytes-view', unit: 'B/entry' },
    { name: 'peak-memory', unit: 'MB', home: 'medium' }
  ],
  subjects: {
    'multi-bee': ['small', 'medium', 'large'],
    hyperbee: ['small', 'medium'],
    autobase: ['small', 'medium'],
    hypercore: ['small', 'medium', 'large']
  },
  // Two minutes a run.
  once: { autobase: ['medium'] },
  measure: async ({ subject, step, wants, dir, keys }) => {
    const values = { ...(await step('load', { reads: wants('get-p50', 'get-p99', 'scan') })).values }
    // Also moves what is still in a write-ahead log out of it, for what comes next.
    values['first-open'] = (await step('coldOpen')).values['ms'] ?? NaN
    Object.assign(values, settledBytes(subject, dir, keys))
    if (wants('cold-open', 'store-open')) Object.assign(values, await coldOpens(subject, step))
    if (wants('get-p50-after-open', 'get-p99-after-open'))
      Object.assign(values, (await step('getAfterOpen')).values)
    if (wants('scan-after-open')) Object.assign(values, (await step('scanAfterOpen')).values)
    if (wants('batch-1000', 'batch-1000-warm', 'batch-1000-after-open'))
      Object.assign(values, await batches({ subject, keys, step }))
    if (wants('put-awaited')) Object.assign(values, (await step('puts')).values)
    return values
  }
}

export const steps = {
  ...openSteps,
  ...batchSteps,

  /** @param {StepInput & { reads: boolean }} input */
  async load({ subject, keys, dir, reads }) {
    const database = await (await loadSubject(subject))(dir)
    const ms = await fill(database, keys)
    // Of the writing alone: what follows may read.
    const peak = process.resourceUsage().maxRSS / 1024
    /** @type {Record<string, number>} */
    const values = { load: (keys / ms) * 1000, 'peak-memory': peak }
    if (reads) {
      await measureGets(database, keys)
      const { p50, p99 } = await measureGets(database, keys)
      await measureScan(database, keys)
      Object.assign(values, { 'get-p50': p50, 'get-p99': p99, scan: await measureScan(database, keys) })
    }
    await database.close()
    return values
  },

  /** @param {StepInput} input */
  async getAfterOpen({ subject, keys, dir }) {
    const database = await (await loadSubject(subject))(dir)
    const { p50, p99 } = await measureGets(database, keys)
    await database.close()
    return { 'get-p50-after-open': p50, 'get-p99-after-open': p99 }
  },

  /** @param {StepInput} input */
  async scanAfterOpen({ subject, keys, dir }) {
    const database = await (await loadSubject(subject))(dir)
    const scan = await measureScan(database, keys)
    await database.close()
    return { 'scan-after-open': scan }
  },

  /** New keys, one by one. @param {StepInput} input */
  async puts({ subject, keys, dir }) {
    const database = await (await loadSubject(subject))(dir)
    const rate = await putRate(database, entries(Math.min(PUTS, keys), { from: PUTS_FROM }), 1)
    await database.close()
    return { 'put-awaited': rate }
  }
}

/**
 * Only multi-bee keeps log and view apart.
 *
 * @param {string} subject
 * @param {string} dir
 * @param {number} keys
 */
function settledBytes(subject, dir, keys) {
  const total = diskSize(dir) / keys
  if (subject !== 'multi-bee') return { 'settled-bytes': total }
  const view = diskSize(dir, (path) => path.startsWith('multi-bee-')) / keys
  return { 'settled-bytes': total, 'settled-bytes-view': view, 'settled-bytes-log': total - view }
}
