// 1,000 devices, each registered at two of ten replicas, in simulated time: two are killed without a word, one is drained.
import { median } from '../../harness/median.mjs'
import { simulate } from '../../../packages/relay/test/replicas/simulation.mjs'

/** Of so many entries, one device is what is left. */
const ENTRIES_A_DEVICE = 10
const REPLICAS = 10
const REGISTRATIONS = 2
const INTERVAL_MS = 500

/** @type {import('../../harness/suite.mjs').Scenario} */
export const replicas = {
  module: import.meta.url,
  metrics: [
    { name: 'replicas', unit: '×', sizes: ['small'] },
    { name: 'replicas-gap-p50', unit: 'ms', sizes: ['small'] },
    { name: 'replicas-gap-max', unit: 'ms', sizes: ['small'] },
    { name: 'replicas-failed-by-kills', unit: '‰', sizes: ['small'] },
    { name: 'replicas-failed-by-drain', unit: '', sizes: ['small'] },
    { name: 'replicas-moves', unit: '', sizes: ['small'] }
  ],
  subjects: { relay: ['small'] },
  measure: async ({ step }) => (await step('simulate')).values
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async simulate({ keys }) {
    // The simulation knows the same classes by their source.
    const parts = /** @type {import('../../../packages/relay/test/replicas/simulation.mjs').Parts} */ (
      /** @type {unknown} */ (await import('@cloudpal/relay'))
    )
    const { default: crypto } = await import('hypercore-crypto')
    const devices = Math.max(REPLICAS, keys / ENTRIES_A_DEVICE)
    const plan = {
      devices,
      replicas: REPLICAS,
      capacity: Math.ceil((1.5 * REGISTRATIONS * devices) / REPLICAS),
      intervalMs: INTERVAL_MS,
      durationMs: 60_000
    }
    const run = (
      /** @type {Pick<import('../../../packages/relay/test/replicas/simulation.mjs').Plan, 'kills' | 'drains'>} */ events
    ) => simulate(parts, { ...plan, ...events }, Math.random, (n) => crypto.keyPair(Buffer.alloc(32, n)))
    const killed = run({
      kills: [
        { at: 15_000, replica: 1, downMs: 10_000 },
        { at: 17_000, replica: 2, downMs: 15_000 }
      ],
      drains: []
    })
    const drained = run({ kills: [], drains: [{ at: 15_000, replica: 4, durationMs: 5000, downMs: 10_000 }] })
    if (killed.homeless + drained.homeless > 0) throw new Error('devices without a replica at the end')
    console.error(`sessions at the end: ${killed.sessions.join(' ')}`)
    return {
      replicas: killed.worstSpread,
      'replicas-gap-p50': median(killed.gapsMs),
      'replicas-gap-max': Math.max(...killed.gapsMs),
      'replicas-failed-by-kills': (1000 * killed.failedRequests) / killed.requests,
      'replicas-failed-by-drain': drained.failedRequests,
      'replicas-moves': killed.moves
    }
  }
}
