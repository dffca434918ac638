// One device: a process with its own store and its own place on the network. It does what its parent asks (remote-device.mjs).
import { readFile } from 'node:fs/promises'
import { MultiBee } from '@cloudpal/multi-bee'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { AddressBook } from './address-book.mjs'
import { contactsOf } from './card-contacts.mjs'
import { readCards } from './vcard.mjs'

/**
 * @import { Contact } from './contacts.mjs'
 * @typedef {typeof commands} Commands
 * @typedef {{ writer: string, length: number }} Head how long a device's log is
 */

const [name = '', folder = '', bootstrap = '[]'] = process.argv.slice(2)
const store = new Corestore(folder)
/** @type {Hyperswarm | null} */
let swarm = null
/** @type {MultiBee<string, Contact> | null} */
let database = null

const commands = {
  /** Makes a database, or opens the one that the store has. */
  async open() {
    database = new MultiBee(store, { name })
    database.on('failure', (error) => console.error(error))
    await database.ready()
  },

  /** @param {string} code */
  async join(code) {
    const network = await connect()
    database = await MultiBee.join(store, code, { swarm: network, name })
  },

  /** @param {string} expected the only device that is let in */
  async invite(expected) {
    const network = await connect()
    const invite = await db().createInvite({
      swarm: network,
      expires: Date.now() + 60_000,
      confirm: (candidate) => candidate.name === expected
    })
    await invite.announced()
    return invite.code
  },

  /** Resolves when the other devices can find this one. */
  async goOnline() {
    if (swarm !== null) return
    const network = await connect()
    network.on('connection', (connection) => db().replicate(connection))
    await network.join(/** @type {Uint8Array} */ (db().discoveryKey)).flushed()
  },

  async goOffline() {
    await swarm?.destroy()
    swarm = null
  },

  /**
   * Imports a part of the contacts in some files: from one share of them to another, both between 0 and 1.
   *
   * @param {string[]} files
   * @param {[from: number, to: number]} part
   */
  async importFiles(files, [from, to]) {
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
    const contacts = [...contactsOf(texts.flatMap((text) => readCards(text).cards))]
    const chosen = contacts.slice(Math.floor(from * contacts.length), Math.ceil(to * contacts.length))
    await book().import(chosen, (done) => emit('progress', { done, total: chosen.length }))
    return chosen.length
  },

  ids: () => book().ids(),

  /** @param {string} id */
  contact: (id) => book().contact(id),

  /**
   * @param {string} id
   * @param {Partial<Contact>} patch
   */
  edit: (id, patch) => book().edit(id, patch),

  /** @param {string} id */
  remove: (id) => book().remove(id),

  conflicts: () => book().conflicts(),

  /**
   * @param {string} id
   * @param {string[]} path
   * @param {unknown} value
   */
  resolve: (id, path, value) => book().resolve(id, path, value),

  logCalls: () => book().logCalls((number) => emit('call', number)),

  calls: () => book().calls(),

  summary: () => book().summary(),

  /** @returns {Promise<Head>} */
  async head() {
    const { devices } = await db().status()
    const self = devices.find(({ isSelf }) => isSelf)
    return { writer: hex(db().writerKey), length: self?.applied ?? 0 }
  },

  /**
   * Resolves when this device shows everything that is in these logs.
   *
   * @param {Head[]} heads
   */
  async catchUp(heads) {
    for (;;) {
      const updated = new Promise((resolve) => db().once('update', () => resolve(true)))
      const { devices } = await db().status()
      const applied = new Map(devices.map((device) => [hex(device.key), device.applied]))
      if (heads.every(({ writer, length }) => (applied.get(writer) ?? 0) >= length)) return
      await updated
    }
  },

  async close() {
    await swarm?.destroy()
    await database?.close()
    await store.close()
  }
}

process.on('message', (/** @type {import('./remote-device.mjs').Request} */ { id, command, args }) => {
  const run = /** @type {(...args: unknown[]) => unknown} */ (commands[command])
  Promise.resolve()
    .then(() => run(...args))
    .then(
      (result) => process.send?.({ id, result }),
      (error) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
    )
})
// Ctrl-C reaches every process of a terminal; the parent decides what becomes of it.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

/**
 * Each swarm has a DHT node of its own. The key pair is kept, so that the device comes back as the one it was. An app on the real
 * network needs none of this: `new Hyperswarm()`. Here nothing leaves the computer, and no firewall stands between processes.
 */
async function connect() {
  if (swarm !== null) return swarm
  const keyPair = await store.createKeyPair('swarm')
  const local = { host: '127.0.0.1', firewalled: false, bootstrap: JSON.parse(bootstrap) }
  swarm = new Hyperswarm({ keyPair, dht: new HyperDHT({ keyPair, ...local }) })
  return swarm
}

function db() {
  if (database === null) throw new Error('the database is not open')
  return database
}

function book() {
  return new AddressBook(db())
}

/**
 * @param {string} event
 * @param {unknown} data
 */
function emit(event, data) {
  process.send?.({ event, data })
}

/** @param {Uint8Array | null} bytes */
function hex(bytes) {
  return Buffer.from(bytes ?? []).toString('hex')
}
