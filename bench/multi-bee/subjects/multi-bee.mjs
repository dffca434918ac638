import { join } from 'node:path'
import { MultiBee } from '@cloudpal/multi-bee'
import Corestore from 'corestore'
import { connect, until } from './connect.mjs'

/** @typedef {import('./database.mjs').Device} Device */

/** @param {string} dir */
export async function open(dir) {
  const store = new Corestore(dir)
  return deviceOf(await openBee(store), store)
}

/** @param {string} dir */
export async function openPair(dir) {
  const { bees, devices, connect, close } = await openBees(dir)
  return { bees, devices, connect, close }
}

/**
 * Two members. Joining is over when it returns.
 *
 * @param {string} dir
 */
export async function openBees(dir) {
  const stores = /** @type {const} */ ([new Corestore(join(dir, 'a')), new Corestore(join(dir, 'b'))])
  const a = await openBee(stores[0])
  const { key, encryptionKey } = a
  if (key === null) throw new Error('an opened database has a key')
  const b = await openBee(stores[1], { key, encryptionKey })
  if (b.writerKey === null) throw new Error('an opened database has a log')
  await a.addWriter(b.writerKey)

  const devices = /** @type {[Device, Device]} */ ([deviceOf(a, stores[0]), deviceOf(b, stores[1])])
  const cut = connect(a, b)
  await until(async () => b.writable, devices)
  await cut()
  return {
    bees: /** @type {const} */ ([a, b]),
    stores,
    devices,
    connect: () => connect(a, b),
    close: async () => {
      for (const device of devices) await device.close()
    }
  }
}

/**
 * @param {Corestore} store
 * @param {import('@cloudpal/multi-bee').MultiBeeOptions} [options]
 */
async function openBee(store, options) {
  const bee = new MultiBee(store, options)
  await bee.ready()
  return bee
}

/**
 * @param {MultiBee} bee
 * @param {Corestore} store
 * @returns {Device}
 */
function deviceOf(bee, store) {
  return {
    put: ({ key, value }) => bee.put(key, value),
    putBatch: async (entries) => {
      const batch = bee.batch()
      for (const { key, value } of entries) await batch.put(key, value)
      await batch.flush()
    },
    get: async ({ key }) => (await bee.get(key))?.value ?? null,
    scan: () => bee.createReadStream(),
    flush: () => bee.flush(),
    close: async () => {
      await bee.close()
      await store.close()
    },
    onUpdate: (listener) => {
      bee.on('update', listener)
      return () => bee.off('update', listener)
    }
  }
}
