// How soon a write is safe, what one change among many cores costs, and whether two writers ever both win.
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Archiver, prune } from '@cloudpal/s3-archiver'
import Corestore from 'corestore'
import { median } from '../../harness/median.mjs'
import { counting, sizeOf } from '../archives.mjs'
import { openStore, withStore } from '../stores.mjs'

/** @typedef {import('../stores.mjs').StoreInput} StoreInput */

const WRITES = 5
const CORES = 1000
const CHURN_BYTES = 4096
/** In seconds. */
const TWO_DAYS = 2 * 24 * 60 * 60

/** @type {import('../../harness/suite.mjs').Scenario} */
export const writing = {
  module: import.meta.url,
  metrics: [
    { name: 'rpo', unit: 'ms' },
    { name: 'one-of-1000-requests', unit: 'requests' }
  ],
  subjects: { directory: ['small'], ceph: ['small'] },
  measure: (measuring) =>
    withStore(measuring, async (step) => ({ ...(await step('rpo')), ...(await step('oneOfMany')) }))
}

/** Ten thousand small writes, each archived by itself, as of a device that writes every ten seconds of a day. @type {import('../../harness/suite.mjs').Scenario} */
export const churn = {
  module: import.meta.url,
  metrics: [
    { name: 'churn-stored', unit: 'x' },
    { name: 'churn-pruned', unit: 'x' }
  ],
  subjects: { directory: ['small'] },
  once: { directory: ['small'] },
  measure: (measuring) => withStore(measuring, (step) => step('churn'))
}

/** @type {import('../../harness/suite.mjs').Scenario} */
export const races = {
  module: import.meta.url,
  metrics: [{ name: 'races-wrong', unit: 'of all' }],
  subjects: { directory: ['small'], ceph: ['small'] },
  once: { directory: ['small'], ceph: ['small'] },
  measure: (measuring) => withStore(measuring, (step) => step('races'))
}

export const steps = {
  /** From a write to the moment it is in the store. @param {StoreInput} input */
  async rpo(input) {
    const corestore = new Corestore(join(input.dir, 'rpo'))
    const core = corestore.get({ name: 'core' })
    await core.ready()
    const archiver = new Archiver(openStore(input), { cores: [core] })
    await archiver.ready()
    /** @type {number[]} */
    const all = []
    for (let i = 0; i < WRITES; i++) {
      const archived = new Promise((done) => archiver.once('archived', done))
      await core.append(Buffer.from(`write ${i}`))
      const started = performance.now()
      await archived
      all.push(performance.now() - started)
    }
    await archiver.close()
    await corestore.close()
    return { rpo: median(all) }
  },

  /** @param {StoreInput} input */
  async oneOfMany(input) {
    const corestore = new Corestore(join(input.dir, 'many'))
    const store = counting(openStore({ ...input, dir: join(input.dir, 'of-many') }))
    const cores = Array.from({ length: CORES }, (_, i) => corestore.get({ name: `core ${i}` }))
    for (const core of cores) await core.append(Buffer.from('block'))
    const archiver = new Archiver(store, { cores, live: false, takeOver: true })
    await archiver.flush()
    const before = store.counts.requests
    await cores[7]?.append(Buffer.from('another'))
    await archiver.flush()
    const requests = store.counts.requests - before
    await archiver.close()
    await corestore.close()
    return { 'one-of-1000-requests': requests }
  },

  /** What the archive holds over what the core holds, before anything is pruned and when that is done two days later. @param {StoreInput} input */
  async churn(input) {
    const corestore = new Corestore(join(input.dir, 'churn'))
    const core = corestore.get({ name: 'core' })
    await core.ready()
    const store = openStore(input)
    const archiver = new Archiver(store, { cores: [core], live: false })
    for (let i = 0; i < input.keys; i++) {
      await core.append(Buffer.alloc(CHURN_BYTES, `write ${i}`))
      await archiver.flush()
    }
    await archiver.close()
    const { byteLength } = core
    await corestore.close()
    const stored = await sizeOf(store)
    const before = Date.now() / 1000 - TWO_DAYS
    for await (const { name } of store.list('')) utimesSync(join(input.dir, 'archive', name), before, before)
    await prune(store, { keep: { last: 1 } })
    return { 'churn-stored': stored / byteLength, 'churn-pruned': (await sizeOf(store)) / byteLength }
  },

  /** Two that create the same object at the same time: exactly one is told that it did. @param {StoreInput} input */
  async races(input) {
    const [a, b] = [openStore(input), openStore(input)]
    let wrong = 0
    for (let i = 0; i < input.keys; i++) {
      const name = `races/${i}`
      const won = await Promise.all([
        a.putIfAbsent(name, Buffer.from('a')),
        b.putIfAbsent(name, Buffer.from('b'))
      ])
      const there = await a.getRange(name, { start: 0, end: 1 })
      const isRight = won[0] !== won[1] && there !== null && there.bytes[0] === (won[0] ? 97 : 98)
      if (!isRight) wrong++
    }
    return { 'races-wrong': wrong }
  }
}
