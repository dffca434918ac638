// One device: its database, and the connections over which that is replicated.
import { MultiBee } from '@cloudpal/multi-bee'
import { RelayClient } from '@cloudpal/relay'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import { fromHex, serve, settings, tell, toHex } from '@cloudpal/test-kit/serve'

/** @typedef {typeof commands} Commands */
/** @typedef {{ relay: string, tcp: { host: string, port: number }, bootstrap: { host: string, port: number }[] }} Network */
/** @typedef {import('@cloudpal/relay').Connection} Connection */

/** @type {{ name: string, folder: string, seed: number, network: Network }} */
const { name, folder, seed, network } = settings()
const keyPair = HyperDHT.keyPair(Buffer.alloc(32, seed))
const store = new Corestore(folder)
/** @type {MultiBee | null} */
let database = null
/** @type {Connection | null} */
let connection = null
/** @type {Set<() => void>} */
const waiting = new Set()

const client = new RelayClient({
  keyPair,
  relays: [{ publicKey: fromHex(network.relay), tcp: network.tcp }],
  dht: new HyperDHT({ keyPair, bootstrap: network.bootstrap }),
  // A direct way is looked for again after 4 s at the latest; by default after a minute.
  // And no path is dead that is only late: all of this story's machines are this one.
  times: { retryMs: 250, deadMs: 30_000 }
})
client.on('connection', use)

const commands = {
  /** Can be reached from then on. */
  async register() {
    const registered = new Promise((resolve) => client.once('registered', resolve))
    await client.ready()
    await registered
  },

  /** A new database. @returns what another device opens it with */
  async create() {
    database = await opened(new MultiBee(store, { name }))
    const { key, encryptionKey } = database
    if (key === null || encryptionKey === null) throw new Error('a new database has keys')
    return { key: toHex(key), encryptionKey: toHex(encryptionKey) }
  },

  /** The database of another device. An app would use an invite. @param {{ key: string, encryptionKey: string }} keys */
  async open({ key, encryptionKey }) {
    const keys = { key: fromHex(key), encryptionKey: fromHex(encryptionKey) }
    database = await opened(new MultiBee(store, { ...keys, name }))
    const { writerKey } = database
    if (writerKey === null) throw new Error('an open database has a log')
    return toHex(writerKey)
  },

  /** @param {string} writer @param {string} of */
  async letIn(writer, of) {
    await mine().addWriter(fromHex(writer), { name: of })
  },

  /** @param {string} target */
  async connect(target) {
    const made = client.connect(fromHex(target))
    use(made)
    if (!(await made.opened)) throw new Error('the other device could not be reached')
  },

  /** @param {string} key @param {string} value */
  async write(key, value) {
    await until(() => mine().writable)
    await mine().put(key, value)
  },

  /** Waits till there is an entry. @param {string} key */
  async waitFor(key) {
    await until(async () => (await mine().get(key)) !== null)
  },

  /** Waits till the connection goes such a way. @param {string} kind */
  async waitForPath(kind) {
    await until(() => connection?.path?.kind === kind)
  },

  async sizes() {
    /** @type {Record<string, number>} */
    const entries = {}
    for await (const { key, value } of mine().createReadStream()) entries[key] = String(value).length
    return entries
  }
}

serve(commands)

/** @param {Connection} made */
function use(made) {
  connection = made
  made.on('path', (path) => {
    tell(`  ${name}: ${path === null ? 'no way' : wayOf(path)}`)
    wake()
  })
  if (made.path !== null) tell(`  ${name}: ${wayOf(made.path)}`)
  store.replicate(/** @type {never} */ (made))
  wake()
}

/** @param {import('@cloudpal/relay').PathInfo} path */
function wayOf({ kind, transport }) {
  return kind === 'relay' ? `through the relay, by ${transport}` : `directly, by ${kind}`
}

/** @param {MultiBee} made */
async function opened(made) {
  await made.ready()
  made.on('update', wake)
  made.on('writable', wake)
  return made
}

function mine() {
  if (database === null) throw new Error('no database yet')
  return database
}

function wake() {
  for (const go of waiting) go()
}

/** Looks again whenever something has happened, also while it looked. @param {() => boolean | Promise<boolean>} ready */
async function until(ready) {
  for (;;) {
    /** @type {() => void} */
    let go = () => {}
    const happened = /** @type {Promise<void>} */ (new Promise((resolve) => (go = resolve)))
    waiting.add(go)
    try {
      if (await ready()) return
      await happened
    } finally {
      waiting.delete(go)
    }
  }
}
