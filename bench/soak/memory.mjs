import RocksDB from 'rocksdb-native'

const MEGABYTE = 1e6

/**
 * MB each. `rss` is everything; `rocks` is what RocksDB says it holds, outside of the heap.
 *
 * @typedef {{ ms: number, heap: number, external: number, rss: number, rocks: number }} Sample
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
    const rocks = await heldByRocks([...opened].filter((db) => !db.closed))
    // Twice: what finalizers have let go of goes with the second.
    globalThis.gc?.()
    await new Promise((done) => setImmediate(done))
    globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    return {
      ms,
      heap: heapUsed / MEGABYTE,
      external: external / MEGABYTE,
      rss: rss / MEGABYTE,
      rocks: rocks / MEGABYTE
    }
  }
}

/** @param {readonly RocksDB[]} databases */
async function heldByRocks(databases) {
  let bytes = 0
  let shared = 0
  for (const db of databases) {
    for (const name of HELD) bytes += await property(db, name)
    shared = Math.max(shared, await property(db, SHARED))
  }
  return bytes + shared
}

/**
 * @param {RocksDB} db
 * @param {string} name
 */
async function property(db, name) {
  return Number(await /** @type {RocksDB & Properties} */ (db).getProperty(name)) || 0
}
