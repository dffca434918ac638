// What an archive takes beyond its blocks, and how fast it is restored: blocks of 4 KiB and of 200 B.
import { join } from 'node:path'
import { Archiver, restore } from '@cloudpal/s3-archiver'
import Corestore from 'corestore'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { archivedKey, blocksOf, noteKey, sizeOf } from '../archives.mjs'
import { openStore, withStore } from '../stores.mjs'

/** @typedef {import('../stores.mjs').StoreInput} StoreInput */

const APPEND = 1000
/** Bytes that are archived: at 10,000 keys 40 MB, and never more than 1 GB. */
const BYTES_PER_KEY = 4096
const MOST_BYTES = 1e9

/** @param {number} size @param {string} label @returns {import('../../harness/suite.mjs').Scenario} */
const scenario = (size, label) => ({
  module: import.meta.url,
  metrics: [
    { name: `overhead-${label}`, unit: '%' },
    { name: `restore-${label}`, unit: 'blocks/s' },
    { name: `append-${label}`, unit: 'blocks/s' },
    { name: `restore-memory-${label}`, unit: 'MB', home: 'small', sizes: ['small', 'large'] }
  ],
  subjects: { directory: ['small', 'large'], ceph: ['small'] },
  once: { directory: ['large'] },
  measure: (measuring) =>
    withStore(measuring, async (step) => {
      const archived = await step(`archive${size}`)
      const restored = await step('restored')
      const count = archived['count'] ?? 0
      return {
        [`overhead-${label}`]: archived['overhead'] ?? NaN,
        [`append-${label}`]: (count / (archived['ms'] ?? NaN)) * 1000,
        [`restore-${label}`]: (count / (restored['ms'] ?? NaN)) * 1000,
        [`restore-memory-${label}`]: restored['memory'] ?? NaN
      }
    })
})

export const blocks4k = scenario(4096, '4k')
export const blocks200 = scenario(200, '200')

export const steps = {
  archive4096: (/** @type {StoreInput} */ input) => archive(input, 4096),
  archive200: (/** @type {StoreInput} */ input) => archive(input, 200),

  /** @param {StoreInput} input */
  async restored(input) {
    const corestore = new Corestore(join(input.dir, 'restored'))
    // As a machine that has nothing but the key.
    const key = archivedKey(input.dir)
    let memory = 0
    const store = openStore(input)
    const onProgress = () => void (memory = Math.max(memory, process.memoryUsage.rss()))
    const ms = await milliseconds(() => restore(store, { corestore, key, onProgress }))
    await corestore.close()
    return { ms, memory: memory / 1e6 }
  }
}

/**
 * @param {StoreInput} input
 * @param {number} size
 */
async function archive(input, size) {
  const store = openStore(input)
  const corestore = new Corestore(join(input.dir, 'source'))
  const core = await opened(corestore)
  const count = Math.floor(Math.min(input.keys * BYTES_PER_KEY, MOST_BYTES) / size)
  let ms = 0
  for (let from = 0; from < count; from += APPEND) {
    const blocks = blocksOf(Math.min(APPEND, count - from), size, from)
    ms += await milliseconds(() => core.append(blocks))
  }
  const archiver = new Archiver(store, { cores: [core], live: false })
  await archiver.flush()
  await archiver.close()
  const overhead = ((await sizeOf(store)) / (count * size) - 1) * 100
  noteKey(input.dir, core.key)
  await corestore.close()
  return { count, ms, overhead }
}

/** @param {Corestore} corestore */
async function opened(corestore) {
  const core = corestore.get({ name: 'blocks' })
  await core.ready()
  return /** @type {typeof core & { key: Uint8Array }} */ (core)
}
