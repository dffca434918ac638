// One database, filled in batches of 1,000 and looked at from all sides: each look in a process of its own.
import Corestore from 'corestore'
import { diskSize } from '../../harness/disk-size.mjs'
import { entries, entry } from '../../harness/entries.mjs'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { loadSubject } from '../subjects/database.mjs'
import { fill } from './fill.mjs'
import { measureGets, measureScan } from './reads.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

const BATCH = 1000
const WARM_BATCHES = 10

/** @type {import('../../harness/suite.mjs').Scenario} */
export const filled = {
  module: import.meta.url,
  metrics: [
    { name: 'load', unit: 'entries/s' },
    { name: 'batch-1000', unit: 'entries/s' },
    { name: 'batch-1000-warm', unit: 'ms' },
    { name: 'batch-1000-after-open', unit: 'ms' },
    { name: 'get-p50', unit: 'µs' },
    { name: 'get-p99', unit: 'µs' },
    { name: 'get-p50-after-open', unit: 'µs' },
    { name: 'get-p99-after-open', unit: 'µs' },
    { name: 'scan', unit: 'entries/s' },
    { name: 'scan-after-open', unit: 'entries/s' },
    { name: 'cold-open', unit: 'ms', sized: true },
    { name: 'settled-bytes', unit: 'B/entry' },
    { name: 'settled-bytes-log', unit: 'B/entry' },
    { name: 'settled-bytes-view', unit: 'B/entry' },
    { name: 'peak-memory', unit: 'MB' }
  ],
  subjects: { 'multi-bee': 1_000_000, hyperbee: 100_000, autobase: 100_000, hypercore: 1_000_000 },
  measure: async ({ subject, step, wants, dir, keys }) => {
    const loaded = await step('load', { reads: wants('get-p50', 'get-p99', 'scan') })
    const values = { ...loaded.values }
    // Also moves what is still in a write-ahead log out of it, for what comes next.
    Object.assign(values, (await step('coldOpen')).values)
    Object.assign(values, settledBytes(subject, dir, keys))
    if (wants('get-p50-after-open', 'get-p99-after-open'))
      Object.assign(values, (await step('getAfterOpen')).values)
    if (wants('scan-after-open')) Object.assign(values, (await step('scanAfterOpen')).values)
    if (wants('batch-1000', 'batch-1000-warm', 'batch-1000-after-open')) {
      Object.assign(values, (await step('batches')).values)
    }
    return values
  }
}

/**
 * The floor under multi-bee's `cold-open`: its own store, filled the same way, opened as nothing but a store.
 *
 * @type {import('../../harness/suite.mjs').Scenario}
 */
export const storeOpen = {
  module: import.meta.url,
  metrics: [{ name: 'store-open', unit: 'ms', sized: true }],
  subjects: { hypercore: 1_000_000 },
  measure: async ({ step }) => {
    await step('load', { subject: 'multi-bee', reads: false })
    return (await step('storeOpen')).values
  }
}

export const steps = {
  /** @param {StepInput & { reads: boolean }} input */
  async load({ subject, keys, dir, reads }) {
    const open = await loadSubject(subject)
    const database = await open(dir)
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

  /** Until the first value is there. @param {StepInput} input */
  async coldOpen({ subject, keys, dir }) {
    const open = await loadSubject(subject)
    const wanted = entry(Math.floor(keys / 2))
    const started = performance.now()
    const database = await open(dir)
    const value = await database.get(wanted)
    const ms = performance.now() - started
    if (value === null) throw new Error('nothing there after open')
    await database.close()
    return { 'cold-open': ms }
  },

  /** @param {StepInput} input */
  async storeOpen({ dir }) {
    const started = performance.now()
    const store = new Corestore(dir)
    await store.ready()
    const ms = performance.now() - started
    await store.close()
    return { 'store-open': ms }
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

  /** New keys into what is there. @param {StepInput} input */
  async batches({ subject, keys, dir }) {
    const database = await (await loadSubject(subject))(dir)
    const [first, ...warm] = Array.from({ length: 1 + WARM_BATCHES }, (_, i) =>
      entries(BATCH, { from: keys + i * BATCH })
    )
    const afterOpen = await milliseconds(() => database.putBatch(first ?? []))
    /** @type {number[]} */
    const each = []
    const ms = await milliseconds(async () => {
      for (const batch of warm) each.push(await milliseconds(() => database.putBatch(batch)))
      await database.flush()
    })
    await database.close()
    return {
      'batch-1000': ((WARM_BATCHES * BATCH) / ms) * 1000,
      'batch-1000-warm': median(each),
      'batch-1000-after-open': afterOpen
    }
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
