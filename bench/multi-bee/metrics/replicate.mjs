// The floor under converge-single: the very blocks multi-bee writes there, replicated as plain cores, with nothing made of them.
import { entries } from '../../harness/entries.mjs'
import { connect } from '../subjects/connect.mjs'
import { openPair, storesIn } from '../subjects/multi-bee.mjs'
import { writeApart } from './converge.mjs'

/**
 * @typedef {import('../../harness/suite.mjs').StepInput} StepInput
 * @typedef {import('hypercore').default} Hypercore
 */

/** @type {import('../../harness/suite.mjs').Scenario} */
export const replicateSingle = {
  module: import.meta.url,
  metrics: [{ name: 'replicate-single', unit: 'ms' }],
  subjects: { hypercore: ['small'] },
  measure: async ({ step }) => ({ 'replicate-single': (await step('replicate')).values['ms'] ?? NaN })
}

export const steps = {
  /** @param {StepInput} input */
  async replicate({ keys, dir }) {
    const pair = await openPair(dir)
    await writeApart(pair.devices, [entries(keys, { device: 0 }), entries(keys, { device: 1 })], 1)
    const logs = pair.bees.map(({ writerKey }) => /** @type {Uint8Array} */ (writerKey))
    await pair.close()

    const plain = await openPlain(dir, logs)
    const { ms, connection } = await plain.replicate()
    await connection.cut()
    await plain.close()
    return { ms }
  }
}

/**
 * The logs of two devices as plain cores: without keys, encryption or merge.
 *
 * @param {string} dir
 * @param {readonly Uint8Array[]} keys
 */
export async function openPlain(dir, keys) {
  const stores = storesIn(dir)
  const cores = stores.map((store) => keys.map((key) => store.get({ key })))
  await Promise.all(cores.flat().map((core) => core.ready()))
  // As multi-bee follows the logs of others.
  for (const core of cores.flat()) if (!core.writable) core.download({ start: 0, end: -1 })
  return {
    /** By device, then by key. */
    cores,
    /** Until both stores have what either had. */
    replicate: async () => {
      const lengths = keys.map((_, i) => Math.max(...cores.map((own) => own[i]?.length ?? 0)))
      const started = performance.now()
      const connection = connect(stores[0], stores[1])
      await Promise.all(cores.flatMap((own) => own.map((core, i) => whole(core, lengths[i] ?? 0))))
      return { ms: performance.now() - started, connection }
    },
    close: async () => {
      for (const store of stores) await store.close()
    }
  }
}

/**
 * Waits until all blocks of a core are here.
 *
 * @param {Hypercore} core
 * @param {number} length
 */
export function whole(core, length) {
  return new Promise((done) => {
    const check = () => {
      if (core.contiguousLength >= length) done(undefined)
    }
    core.on('download', check)
    core.on('append', check)
    check()
  })
}
