import { join } from 'node:path'
import Autobase from 'autobase'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { connect, until } from './connect.mjs'

/**
 * @typedef {import('./database.mjs').Device} Device
 * @typedef {{ puts: { key: string, value: unknown }[] }} Puts
 * @typedef {{ edit: string, fields: Record<string, unknown> }} Edit
 * @typedef {Puts | Edit | { addWriter: string }} Op one block of a writer
 */

/** @param {string} dir */
export async function open(dir) {
  const store = new Corestore(dir)
  return deviceOf(await openBase(store), store)
}

/**
 * Two indexers, so that each can go on without a third.
 *
 * @param {string} dir
 * @param {{ bigBatches?: boolean }} [options]
 * @returns {Promise<import('./database.mjs').Pair>}
 */
export async function openPair(dir, options) {
  const stores = /** @type {const} */ ([new Corestore(join(dir, 'a')), new Corestore(join(dir, 'b'))])
  const a = await openBase(stores[0], null, options)
  const b = await openBase(stores[1], a.key, options)
  const devices = /** @type {[Device, Device]} */ ([deviceOf(a, stores[0]), deviceOf(b, stores[1])])
  const { cut } = connect(a, b)
  await a.append({ addWriter: Buffer.from(b.local.key).toString('hex') })
  // What its timer would do some seconds later: the only indexer so far signs that there is a second one.
  await until(async () => {
    if (!b.isIndexer) await a.ack()
    return b.writable && b.isIndexer
  }, devices)
  await cut()
  return {
    devices,
    connect: () => connect(a, b),
    close: async () => {
      for (const device of devices) await device.close()
    }
  }
}

/**
 * @param {Corestore} store
 * @param {Uint8Array | null} [key]
 * @param {{ bigBatches?: boolean }} [options]
 */
async function openBase(store, key = null, { bigBatches = true } = {}) {
  const base = new Autobase(store, key, {
    bigBatches,
    open: (views) =>
      new Hyperbee(views.get('view'), { extension: false, keyEncoding: 'utf-8', valueEncoding: 'json' }),
    apply,
    valueEncoding: 'json'
  })
  await base.ready()
  return base
}

/**
 * As good as it gets: whatever is applied in one go is one batch of the bee, and an object that is edited many times in it is read and
 * written once.
 *
 * @param {{ value: unknown }[]} nodes
 * @param {import('hyperbee').default<string, unknown>} view
 * @param {{ addWriter(key: Uint8Array, options: { indexer: boolean }): Promise<void> }} host
 */
async function apply(nodes, view, host) {
  /** @type {Map<string, unknown>} */
  const puts = new Map()
  for (const { value } of nodes) {
    const op = /** @type {Op} */ (value)
    if ('addWriter' in op) await host.addWriter(Buffer.from(op.addWriter, 'hex'), { indexer: true })
    else if ('puts' in op) for (const { key, value } of op.puts) puts.set(key, value)
    else {
      const before = puts.has(op.edit) ? puts.get(op.edit) : (await view.get(op.edit))?.value
      puts.set(op.edit, { .../** @type {object} */ (before), ...op.fields })
    }
  }
  const batch = view.batch({ update: false })
  for (const [key, value] of puts) await batch.put(key, value)
  await batch.flush()
}

/**
 * @param {Autobase} base
 * @param {Corestore} store
 * @returns {Device}
 */
function deviceOf(base, store) {
  return {
    put: ({ key, value }) => base.append({ puts: [{ key, value }] }),
    // One block for all of it: fewer blocks are faster than fewer appends.
    putBatch: (entries) => base.append({ puts: entries.map(({ key, value }) => ({ key, value })) }),
    get: async ({ key }) => (await base.view.get(key))?.value ?? null,
    scan: () => base.view.createReadStream(),
    edit: (key, fields) => base.append({ edit: key, fields }),
    flush: () => base.flush(),
    close: async () => {
      await base.close()
      await store.close()
    },
    onUpdate: (listener) => {
      base.on('update', listener)
      return () => base.off('update', listener)
    }
  }
}
