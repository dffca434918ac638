// A core of 100,000 blocks goes on under another key: the event, the new core open and appended to; then all its blocks in it.
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

const BLOCKS = 100_000
const ROUNDS = 5

/** @type {import('../../harness/suite.mjs').Scenario} */
export const cores = {
  module: import.meta.url,
  metrics: ['roll-100k', 'carry-100k', 'roll-100k-proof'].map((name) => ({
    name,
    unit: 'ms',
    sizes: ['small']
  })),
  subjects: { 'key-rotation': ['small'] },
  measure: async ({ step }) => (await step('rolls')).values
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async rolls({ dir }) {
    const { default: Corestore } = await import('corestore')
    const api = await import('@cloudpal/key-rotation')
    const { carryBlocks, endOf, planRoll, startRoll } = await import('@cloudpal/key-rotation/hypercore')
    const store = new Corestore(dir)
    const old = store.get({ name: 'old' })
    await old.ready()
    for (let at = 0; at < BLOCKS; at += 10_000)
      await old.append(Array.from({ length: 10_000 }, (_, i) => Buffer.alloc(100, (at + i) % 256)))
    const [control, next] = [api.createKeyPair(), api.createKeyPair()]
    const archive = { proof: (/** @type {object} */ options) => old.proof(options) }
    /** @type {Record<string, number[]>} */
    const times = { 'roll-100k': [], 'carry-100k': [], 'roll-100k-proof': [] }
    for (let round = 0; round < 2 * ROUNDS; round++) {
      const chain = api.Sigchain.incept({
        control: { keys: [control.publicKey] },
        next: { keys: [next.publicKey] },
        signers: [control]
      })
      const key = /** @type {Uint8Array} */ (old.key)
      chain.rollCore({ rolls: [{ name: 'old', core: key, previous: null }] }, [control])
      const keyPair = api.createKeyPair()
      const source = round % 2 === 0 ? old : archive
      /** @type {import('@cloudpal/key-rotation/hypercore').RolledCore | null} */
      let core = null
      const rolled = await milliseconds(async () => {
        const {
          core: newKey,
          previous,
          ...plan
        } = planRoll(await endOf(old), { signers: [keyPair.publicKey] })
        chain.rollCore({ rolls: [{ name: 'old', core: newKey, previous }] }, [control])
        core = await startRoll(store, { core: newKey, previous, ...plan }, source, { keyPair })
        await core.append('more')
      })
      times[round % 2 === 0 ? 'roll-100k' : 'roll-100k-proof']?.push(rolled)
      const opened = /** @type {import('@cloudpal/key-rotation/hypercore').RolledCore} */ (
        /** @type {unknown} */ (core)
      )
      if (round % 2 === 0) times['carry-100k']?.push(await milliseconds(() => carryBlocks(old, opened)))
      await opened.close()
    }
    await store.close()
    return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
  }
}
