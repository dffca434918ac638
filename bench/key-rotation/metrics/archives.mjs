// A core of 100,000 blocks goes on under another key on a machine that has nothing of it but an archive by s3-archiver, in a directory.
import { join } from 'node:path'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'

const BLOCKS = 100_000
const ROUNDS = 5

/** @type {import('../../harness/suite.mjs').Scenario} */
export const archives = {
  module: import.meta.url,
  metrics: [
    { name: 'roll-100k-archive', unit: 'ms' },
    { name: 'roll-100k-archive-requests', unit: 'requests' },
    { name: 'roll-100k-archive-bytes', unit: 'bytes' }
  ].map((metric) => ({ ...metric, sizes: ['small'] })),
  subjects: { 'key-rotation': ['small'] },
  measure: async ({ step }) => {
    await step('write')
    return (await step('rolls')).values
  }
}

export const steps = {
  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async write({ dir }) {
    const { default: Corestore } = await import('corestore')
    const { Archiver, FileStore } = await import('@cloudpal/s3-archiver')
    const store = new Corestore(join(dir, 'lost'), { primaryKey: Buffer.alloc(32, 1), unsafe: true })
    const old = store.get({ name: 'old' })
    await old.ready()
    for (let at = 0; at < BLOCKS; at += 10_000)
      await old.append(Array.from({ length: 10_000 }, (_, i) => Buffer.alloc(100, (at + i) % 256)))
    const archiver = new Archiver(new FileStore(join(dir, 'bucket')), { corestore: store, live: false })
    await archiver.flush()
    await archiver.close()
    await store.close()
    return {}
  },

  /** @param {import('../../harness/suite.mjs').StepInput} input */
  async rolls({ dir }) {
    const { default: Corestore } = await import('corestore')
    const { FileStore, openFromArchive } = await import('@cloudpal/s3-archiver')
    const { createKeyPair } = await import('@cloudpal/key-rotation')
    const { endOf, planRoll, startRoll } = await import('@cloudpal/key-rotation/hypercore')
    const lost = new Corestore(join(dir, 'elsewhere'), { primaryKey: Buffer.alloc(32, 1), unsafe: true })
    const named = lost.get({ name: 'old' })
    await named.ready()
    const key = /** @type {Uint8Array} */ (named.key)
    await lost.close()
    const store = new Corestore(join(dir, 'mine'))
    await store.ready()
    /** @type {Record<string, number[]>} */
    const values = { '': [], '-requests': [], '-bytes': [] }
    for (let round = 0; round < ROUNDS; round++) {
      const keyPair = createKeyPair()
      /** @type {{ requests: number, bytesRead: number }} */
      let stats = { requests: 0, bytesRead: 0 }
      const took = await milliseconds(async () => {
        const archive = await openFromArchive(new FileStore(join(dir, 'bucket')), { key })
        const source = /** @type {import('hypercore').default} */ (/** @type {unknown} */ (archive.core))
        const plan = planRoll(await endOf(source), { signers: [keyPair.publicKey] })
        const core = await startRoll(store, plan, source, { keyPair })
        await core.append('more')
        stats = archive.stats()
        await core.close()
        await archive.close()
      })
      values['']?.push(took)
      values['-requests']?.push(stats.requests)
      values['-bytes']?.push(stats.bytesRead)
    }
    await store.close()
    return Object.fromEntries(
      Object.entries(values).map(([name, all]) => [`roll-100k-archive${name}`, median(all)])
    )
  }
}
