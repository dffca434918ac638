import { basename } from 'node:path'
import RocksDB from 'rocksdb-native'

const MEGABYTE = 1e6
/** Corestore's folder in its directory. */
const STORE = 'db'

/**
 * MB each. `rss` is everything. Outside of the heap is what RocksDB says it holds: for the `store` of the logs, for the `view`, and in the
 * block cache that both share.
 *
 * @typedef {{ ms: number, heap: number, external: number, store: number, view: number, cache: number, rss: number }} Sample
 */

/** Of RocksDB: memtables, also those kept for snapshots; indexes and filters of open tables. */
const HELD = ['rocksdb.size-all-mem-tables', 'rocksdb.estimate-table-readers-mem']
/** All column families of a process share one block cache. */
const SHARED = 'rocksdb.block-cache-usage'

/** The part of its API that the type declarations leave out. @typedef {{ getProperty(name: string): Promise<unknown> }} Properties */

/** Has to be called before the first database is opened: it takes note of each that opens from now on. */
export function memoryProbe() {
  /** @type {Set<RocksDB>} */
  const opened = new Set()
  // oxlint-disable-next-line typescript/unbound-method -- called with its `this` below
  const { ready } = RocksDB.prototype
  RocksDB.prototype.ready = function () {
    opened.add(this)
    return ready.call(this)
  }

  /**
   * Takes a sample, after a collection of garbage.
   *
   * @param {number} ms since the beginning
   * @returns {Promise<Sample>}
   */
  return async (ms) => {
    const held = await heldByRocks([...opened].filter((db) => !db.closed))
    // Twice: what finalizers have let go of goes with the second.
    globalThis.gc?.()
    await new Promise((done) => setImmediate(done))
    globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    const bytes = { ...held, heap: heapUsed, external, rss }
    const megabytes = Object.entries(bytes).map(([name, value]) => [name, value / MEGABYTE])
    return { ms, .../** @type {typeof bytes} */ (Object.fromEntries(megabytes)) }
  }
}

/** @param {readonly RocksDB[]} databases */
async function heldByRocks(databases) {
  const held = { store: 0, view: 0, cache: 0 }
  for (const db of databases) {
    const owner = basename(db.path) === STORE ? 'store' : 'view'
    for (const name of HELD) held[owner] += await property(db, name)
    held.cache = Math.max(held.cache, await property(db, SHARED))
  }
  return held
}

/**
 * @param {RocksDB} db
 * @param {string} name
 */
async function property(db, name) {
  return Number(await /** @type {RocksDB & Properties} */ (db).getProperty(name)) || 0
}
