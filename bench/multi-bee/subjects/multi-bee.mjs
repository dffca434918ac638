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
  const bees = await openBees(dir)
  const { cut } = bees.connect()
  await until(async () => bees.bees[1].writable, bees.devices)
  await cut()
  return bees
}

/**
 * Two devices, of which the second one was let in, and has heard nothing yet.
 *
 * @param {string} dir
 * @param {(first: Device) => Promise<void>} [before] what the first one does before it lets the other in
 */
export async function openBees(dir, before = async () => {}) {
  const stores = storesIn(dir)
  const a = await openBee(stores[0])
  await before(deviceOf(a, stores[0]))
  const { key, encryptionKey } = a
  if (key === null) throw new Error('an opened database has a key')
  const b = await openBee(stores[1], { key, encryptionKey })
  if (b.writerKey === null) throw new Error('an opened database has a log')
  await a.addWriter(b.writerKey)

  const devices = /** @type {[Device, Device]} */ ([deviceOf(a, stores[0]), deviceOf(b, stores[1])])
  return {
    bees: /** @type {const} */ ([a, b]),
    devices,
    connect: () => connect(a, b),
    close: async () => {
      for (const device of devices) await device.close()
    }
  }
}

/**
 * Stores of the two devices.
 *
 * @param {string} dir
 */
export function storesIn(dir) {
  return /** @type {const} */ ([new Corestore(join(dir, 'a')), new Corestore(join(dir, 'b'))])
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
    edit: (key, fields) => bee.update(key, (value) => ({ .../** @type {object} */ (value), ...fields })),
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
