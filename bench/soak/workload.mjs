import { connect as connectTo } from 'node:net'
import { MultiBee } from '@cloudpal/multi-bee'
import Corestore from 'corestore'
import { replicateOver } from './pipe.mjs'
import { seededRandom } from './random.mjs'
import { keyOf, valueOf } from './values.mjs'

/**
 * @typedef {import('@cloudpal/multi-bee').BeeSnapshot<string, unknown>} Snapshot
 * @typedef {{ close(): Promise<void> }} Closable
 */

const OPEN_WATCHERS = 20
const OPEN_SNAPSHOTS = 5
const RANGE = 50
const BATCH = 20
const IN_FLIGHT = 8

/** Constant mixed load on one open database, over a bounded set of keys. Owns the database and its store. */
export class Workload {
  /** How often each operation was done. @type {Record<string, number>} */
  counts = {}
  /** @type {Closable[]} */
  #watchers = []
  /** @type {Snapshot[]} */
  #snapshots = []
  #disconnect = async () => {}
  #port = 0
  #failure = /** @type {Error | null} */ (null)

  /**
   * @param {Corestore} store
   * @param {MultiBee} db
   * @param {{ keys: number, seed: number }} options
   */
  constructor(store, db, { keys, seed }) {
    this.store = store
    this.db = db
    this.random = seededRandom(seed)
    this.keys = keys
    db.on('failure', (/** @type {Error} */ error) => (this.#failure = error))
  }

  /**
   * @param {string} dir
   * @param {{ keys: number, seed: number }} options
   */
  static async open(dir, options) {
    const store = new Corestore(dir)
    const db = new MultiBee(store, { name: 'first' })
    await db.ready()
    return new Workload(store, db, options)
  }

  /** What a second device needs to know. */
  async admit() {
    const hex = (/** @type {Uint8Array | null} */ bytes) => Buffer.from(bytes ?? []).toString('hex')
    return { key: hex(this.db.key), encryptionKey: hex(this.db.encryptionKey) }
  }

  /**
   * Lets the second device in, and connects to it.
   *
   * @param {import('./peer-process.mjs').PeerProcess} peer
   */
  async follow({ writerKey, port }) {
    await this.db.addWriter(writerKey, { name: 'second' })
    this.#port = port
    this.#connect()
  }

  /**
   * Does one operation, or a few at once.
   *
   * @returns how many
   */
  async step() {
    if (this.#failure !== null) throw this.#failure
    const [name, count, run] = this.#choose()
    await run()
    this.counts[name] = (this.counts[name] ?? 0) + count
    return count
  }

  async close() {
    await this.#disconnect()
    for (const watcher of this.#watchers) await watcher.close()
    for (const snapshot of this.#snapshots) await snapshot.close()
    await this.db.close()
    await this.store.close()
  }

  /** @returns {[name: string, count: number, run: () => Promise<unknown>]} */
  #choose() {
    const choice = this.random(1000)
    if (choice < 350) return ['puts', 1, () => this.#put()]
    if (choice < 370)
      return ['puts', IN_FLIGHT, () => Promise.all(Array.from({ length: IN_FLIGHT }, () => this.#put()))]
    if (choice < 450) return ['updates', 1, () => this.#update()]
    if (choice < 480) return ['deletions', 1, () => this.db.del(this.#key())]
    if (choice < 500) return ['batches', 1, () => this.#batch()]
    if (choice < 800) return ['gets', 1, () => this.db.get(this.#key())]
    if (choice < 860) return ['ranges', 1, () => this.#range()]
    if (choice < 862) return ['scans', 1, () => drain(this.db.createReadStream())]
    if (choice < 890) return ['conflicts read', 1, () => this.db.conflicts(this.#key())]
    if (choice < 920) return ['range watchers', 1, () => this.#watch()]
    if (choice < 950) return ['entry watchers', 1, () => this.#watchEntry()]
    if (choice < 980) return ['snapshots', 1, () => this.#snapshot()]
    if (choice < 990) return ['old versions read', 1, () => this.#checkout()]
    if (choice < 994) return ['histories', 1, () => drain(this.db.createHistoryStream({ limit: RANGE }))]
    if (choice < 999) return ['flushes', 1, () => this.db.flush()]
    return ['reconnects', 1, () => this.#reconnect()]
  }

  #key() {
    return keyOf(this.random(this.keys))
  }

  #put() {
    return this.db.put(this.#key(), valueOf(this.random))
  }

  #update() {
    const fields = valueOf(this.random)
    return this.db.update(this.#key(), (value) => ({ .../** @type {object} */ (value), ...fields }))
  }

  async #batch() {
    const batch = this.db.batch()
    for (let i = 0; i < BATCH; i++) await batch.put(this.#key(), valueOf(this.random))
    await batch.flush()
  }

  #range() {
    return drain(this.db.createReadStream({ gte: this.#key() }, { limit: RANGE }))
  }

  async #watch() {
    const watcher = this.db.watch({ gte: this.#key() })
    await this.#keepWatcher(watcher)
    void drainWatcher(watcher)
  }

  async #watchEntry() {
    await this.#keepWatcher(await this.db.getAndWatch(this.#key()))
  }

  /** @param {Closable} watcher */
  async #keepWatcher(watcher) {
    this.#watchers.push(watcher)
    if (this.#watchers.length > OPEN_WATCHERS) await this.#watchers.shift()?.close()
  }

  /** Each is read when it is opened, and again when it is old. */
  async #snapshot() {
    const snapshot = this.db.snapshot()
    this.#snapshots.push(snapshot)
    await snapshot.get(this.#key())
    if (this.#snapshots.length <= OPEN_SNAPSHOTS) return
    const oldest = this.#snapshots.shift()
    await drain(oldest?.createReadStream({ gte: this.#key() }, { limit: RANGE }) ?? [])
    await oldest?.close()
  }

  async #checkout() {
    const old = this.db.checkout(Math.max(1, this.db.version - this.random(1000)))
    await old.get(this.#key())
    await old.close()
  }

  async #reconnect() {
    await this.#disconnect()
    this.#connect()
  }

  #connect() {
    this.#disconnect = replicateOver(connectTo(this.#port, '127.0.0.1'), this.db, true)
  }
}

/** @param {AsyncIterable<unknown> | Iterable<unknown>} entries */
async function drain(entries) {
  for await (const _ of entries);
}

/** Closes the snapshots it yields, as their owner must. @param {AsyncIterable<[Snapshot, Snapshot]>} watcher */
async function drainWatcher(watcher) {
  for await (const [current, previous] of watcher) {
    await current.get(keyOf(0))
    await previous.close()
  }
}
