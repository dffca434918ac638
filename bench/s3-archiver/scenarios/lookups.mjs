// Lookups straight from the store, by readers that have nothing yet: each opens the archive anew, and asks for one key.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openFromArchive, restore } from '@cloudpal/s3-archiver'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { entry, someIndexes } from '../../harness/entries.mjs'
import { median, quantile } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { archiveBee, archivedKey, counting, ENCODINGS } from '../archives.mjs'
import { delayed, openStore, withStore } from '../stores.mjs'

/**
 * @typedef {import('../stores.mjs').ObjectStore} ObjectStore
 * @typedef {import('../stores.mjs').StoreInput} StoreInput
 * @typedef {{ requests: number, bytes: number, ms: number }} Cost
 */

const LOOKUPS = 100
const FAR_LOOKUPS = 20
const FAR_MS = 40
const RANGE = 100

/** @param {string[]} names @param {string} unit @returns {import('../../harness/suite.mjs').Metric[]} */
const metrics = (names, unit) =>
  names.map((name) => ({ name, unit, home: 'medium', sizes: ['medium', 'large'] }))

/** @type {import('../../harness/suite.mjs').Scenario} */
export const lookups = {
  module: import.meta.url,
  metrics: [
    ...metrics(['lookup-requests-p50', 'lookup-requests-p99', 'absent-requests-p50'], 'requests'),
    ...metrics(['lookup-bytes-p50', 'lookup-bytes-max'], 'bytes'),
    ...metrics(['lookup-ms-p50', 'lookup-40ms-p50'], 'ms'),
    ...metrics(['warm-requests', 'range-100-requests-p50', 'range-100-requests-max'], 'requests'),
    ...metrics(['naive-requests-p50'], 'requests'),
    ...metrics(['naive-bytes-p50'], 'bytes'),
    ...metrics(['naive-40ms-p50'], 'ms'),
    ...metrics(['download-requests'], 'requests'),
    ...metrics(['download-bytes'], 'bytes'),
    ...metrics(['download-ms'], 'ms'),
    ...metrics(['pack-ratio'], 'x')
  ],
  subjects: { directory: ['medium', 'large'], ceph: ['medium', 'large'] },
  once: { directory: ['medium', 'large'], ceph: ['medium', 'large'] },
  measure: (measuring) =>
    withStore(measuring, async (step) => ({
      ...(await step('build')),
      ...(await step('lookups')),
      ...(await step('naive')),
      ...(await step('download'))
    }))
}

/** The same of a bee that was not put in the order of its keys. @type {import('../../harness/suite.mjs').Scenario} */
export const unordered = {
  module: import.meta.url,
  metrics: [
    ...metrics(['unordered-requests-p50', 'unordered-requests-p99'], 'requests'),
    ...metrics(['unordered-bytes-p50'], 'bytes'),
    ...metrics(['unordered-range-100-requests-max'], 'requests'),
    ...metrics(['unordered-pack-ratio'], 'x')
  ],
  subjects: { directory: ['medium'] },
  once: { directory: ['medium'] },
  measure: (measuring) => withStore(measuring, (step) => step('unordered'))
}

export const steps = {
  /** @param {StoreInput} input */
  async unordered(input) {
    const store = openStore(input)
    const { packBytes, byteLength } = await archiveBee(store, input.dir, input.keys, { isOrdered: false })
    const { cold } = await costs(store, input, LOOKUPS)
    const ranges = await costs(store, input, LOOKUPS / 4, { limit: RANGE })
    return {
      'unordered-requests-p50': median(cold.map(({ requests }) => requests)),
      'unordered-requests-p99': quantile(
        cold.map(({ requests }) => requests),
        0.99
      ),
      'unordered-bytes-p50': median(cold.map(({ bytes }) => bytes)),
      'unordered-range-100-requests-max': Math.max(...ranges.cold.map(({ requests }) => requests)),
      'unordered-pack-ratio': packBytes / byteLength
    }
  },

  /** @param {StoreInput} input */
  async build(input) {
    const { packBytes, byteLength } = await archiveBee(openStore(input), input.dir, input.keys)
    return { 'pack-ratio': packBytes / byteLength }
  },

  /** @param {StoreInput} input */
  async lookups(input) {
    const store = openStore(input)
    const present = await costs(store, input, LOOKUPS)
    const absent = await costs(store, input, LOOKUPS / 4, { isAbsent: true })
    const far = await costs(delayed(store, FAR_MS), input, FAR_LOOKUPS)
    const ranges = await costs(store, input, LOOKUPS / 4, { limit: RANGE })
    const of = (/** @type {Cost[]} */ all, /** @type {keyof Cost} */ what) => all.map((cost) => cost[what])
    return {
      'lookup-requests-p50': median(of(present.cold, 'requests')),
      'lookup-requests-p99': quantile(of(present.cold, 'requests'), 0.99),
      'absent-requests-p50': median(of(absent.cold, 'requests')),
      'lookup-bytes-p50': median(of(present.cold, 'bytes')),
      'lookup-bytes-max': Math.max(...of(present.cold, 'bytes')),
      'lookup-ms-p50': median(of(present.cold, 'ms')),
      'lookup-40ms-p50': median(of(far.cold, 'ms')),
      'warm-requests': Math.max(...of(present.warm, 'requests')),
      'range-100-requests-p50': median(of(ranges.cold, 'requests')),
      'range-100-requests-max': Math.max(...of(ranges.cold, 'requests'))
    }
  },

  /** Without the read pack: a group of blocks a request. @param {StoreInput} input */
  async naive(input) {
    const store = withoutPack(openStore(input))
    const near = await costs(store, input, FAR_LOOKUPS)
    const far = await costs(delayed(store, FAR_MS), input, FAR_LOOKUPS / 4)
    return {
      'naive-requests-p50': median(near.cold.map(({ requests }) => requests)),
      'naive-bytes-p50': median(near.cold.map(({ bytes }) => bytes)),
      'naive-40ms-p50': median(far.cold.map(({ ms }) => ms))
    }
  },

  /** All of the archive, and then the lookup. @param {StoreInput} input */
  async download(input) {
    const store = counting(openStore(input))
    const dir = mkdtempSync(join(input.dir, 'restored-'))
    const ms = await milliseconds(async () => {
      const corestore = new Corestore(dir)
      const key = archivedKey(input.dir)
      await restore(store, { corestore, key })
      const bee = new Hyperbee(corestore.get({ key }), ENCODINGS)
      if ((await bee.get(/** @type {never} */ (entry(0).key))) === null) throw new Error('nothing there')
      await corestore.close()
    })
    rmSync(dir, { recursive: true })
    const { requests, bytesRead } = store.counts
    return { 'download-requests': requests, 'download-bytes': bytesRead, 'download-ms': ms }
  }
}

/**
 * What lookups cost, each by a reader of its own; and what the same one costs again.
 *
 * @param {ObjectStore} store
 * @param {StoreInput} input
 * @param {number} count
 * @param {{ isAbsent?: boolean, limit?: number }} [options] a range of so many entries instead
 */
async function costs(store, { dir, keys }, count, { isAbsent = false, limit = 0 } = {}) {
  const key = archivedKey(dir)
  /** @type {Cost[]} */
  const cold = []
  /** @type {Cost[]} */
  const warm = []
  for (const index of someIndexes(count, keys)) {
    const wanted = entry(index).key + (isAbsent ? '!' : '')
    const started = performance.now()
    const archive = await openFromArchive(store, { key })
    const core = /** @type {import('hypercore').default} */ (archive.core)
    /** @type {Hyperbee<string, object>} */
    const bee = new Hyperbee(core, ENCODINGS)
    const look = async () => {
      if (limit > 0) return countOf(bee.createReadStream({ gte: wanted }, { limit }))
      const found = await bee.get(wanted)
      if ((found === null) !== isAbsent) throw new Error('a wrong answer')
    }
    await look()
    const ms = performance.now() - started
    const { requests, bytesRead: bytes } = archive.stats()
    cold.push({ requests, bytes, ms })
    await look()
    const again = archive.stats()
    warm.push({ requests: again.requests - requests, bytes: again.bytesRead - bytes, ms: 0 })
    await archive.close()
  }
  return { cold, warm }
}

/** @param {AsyncIterable<unknown>} entries */
async function countOf(entries) {
  let count = 0
  for await (const _ of entries) count++
  if (count === 0) throw new Error('an empty range')
}

/**
 * The store as it was before the read pack was built.
 *
 * @param {ObjectStore} store
 * @returns {ObjectStore}
 */
function withoutPack(store) {
  return {
    ...delayed(store, 0),
    async *list(prefix, options) {
      let isNewest = true
      for await (const info of store.list(prefix, { ...options, limit: 2 })) {
        if (!isNewest) yield info
        isNewest = false
      }
    }
  }
}
