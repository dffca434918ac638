// The floor under converge-single: the very blocks multi-bee writes there, replicated as plain cores, with nothing made of them.
import { join } from 'node:path'
import Corestore from 'corestore'
import { entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { connect } from '../subjects/connect.mjs'
import { openBees } from '../subjects/multi-bee.mjs'
import { writeApart } from './converge.mjs'

/** @typedef {import('../../harness/suite.mjs').StepInput} StepInput */

/** @type {import('../../harness/suite.mjs').Scenario} */
export const replicateSingle = {
  module: import.meta.url,
  metrics: [{ name: 'replicate-single', unit: 'ms' }],
  subjects: { hypercore: 10_000 },
  measure: async ({ step }) => ({ 'replicate-single': (await step('replicate')).values['ms'] ?? NaN })
}

export const steps = {
  /** @param {StepInput} input */
  async replicate({ keys, dir }) {
    const pair = await openBees(dir)
    await writeApart(pair.devices, [entries(keys, { device: 0 }), entries(keys, { device: 1 })], 1)
    const keysOfLogs = pair.bees.map(({ writerKey }) => /** @type {Uint8Array} */ (writerKey))
    await pair.close()

    const stores = [new Corestore(join(dir, 'a')), new Corestore(join(dir, 'b'))]
    const cores = stores.map((store) => keysOfLogs.map((key) => store.get({ key })))
    await Promise.all(cores.flat().map((core) => core.ready()))
    const lengths = keysOfLogs.map((_, i) => cores[i]?.[i]?.length ?? 0)
    const [a, b] = /** @type {[Corestore, Corestore]} */ (stores)
    const cut = { now: async () => {} }
    const ms = await milliseconds(async () => {
      cut.now = connect(a, b)
      await Promise.all(cores.flatMap((own) => own.map((core, i) => whole(core, lengths[i] ?? 0))))
    })
    await cut.now()
    for (const store of stores) await store.close()
    return { ms }
  }
}

/**
 * Waits until all blocks of a core are here.
 *
 * @param {import('hypercore').default} core
 * @param {number} length
 */
function whole(core, length) {
  return new Promise((done) => {
    const check = () => {
      if (core.contiguousLength >= length) done(undefined)
    }
    core.on('download', check)
    core.on('append', check)
    if (!core.writable) core.download({ start: 0, end: length })
    check()
  })
}
