import b4a from 'b4a'
import RocksDB, { type ReadBatch, type RocksIterator } from 'rocksdb-native'
import { MultiBeeError } from '../errors.ts'
import type { ByteRange, IterateOptions, Row, ViewStore, ViewStoreSnapshot, ViewWrite } from './view-store.ts'

/** Rows an iterator fetches at once. */
const BATCH_ROWS = 256

/**
 * The view in RocksDB (rocksdb-native, which every Hypercore 11 stands on already). All knowledge of its API is in this file.
 * Owns the database in `directory`.
 */
export class RocksViewStore implements ViewStore {
  readonly #directory: string
  readonly #db: RocksDB
  readonly #iterators = new Set<RocksIterator>()
  /** What is asked for at once is one read: a read costs a trip to another thread. */
  #reading: ReadBatch | null = null
  #isClosing = false

  constructor(directory: string) {
    this.#directory = directory
    this.#db = new RocksDB(directory)
  }

  async open(): Promise<void> {
    try {
      await this.#db.ready()
    } catch (cause) {
      const locked = cause instanceof Error && /lock/i.test(cause.message)
      if (locked)
        throw new MultiBeeError(
          'MULTI_BEE_STORE_LOCKED',
          `another process has the view in ${this.#directory} open`,
          { cause }
        )
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')
        throw new MultiBeeError('MULTI_BEE_STORE_FAILED', 'the view needs room on the disk to open', {
          cause
        })
      const help = `the view in ${this.#directory} cannot be opened; it is a cache: delete that directory and it is rebuilt from the logs`
      throw new MultiBeeError('MULTI_BEE_VIEW_UNREADABLE', help, { cause })
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return this.#coded('the view could not be read', () => {
      const batch = (this.#reading ??= this.#startRead())
      return Promise.all(keys.map((key) => batch.get(key)))
    })
  }

  async write(writes: readonly ViewWrite[]): Promise<void> {
    const batch = this.#db.write({ capacity: writes.length, autoDestroy: true })
    for (const [key, value] of writes) {
      if (value === null) batch.tryDelete(key)
      else batch.tryPut(key, value)
    }
    await batch.flush()
  }

  async clear(): Promise<void> {
    await this.#coded('the view could not be emptied', () =>
      this.#db.deleteRange(b4a.from([0]), b4a.from([0xff]))
    )
  }

  snapshot(): ViewStoreSnapshot {
    if (this.#isClosing)
      throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database was closed while it was read')
    const session = this.#db.snapshot()
    return {
      iterate: (
        range: ByteRange,
        { reverse = false, limit = Infinity, batch = BATCH_ROWS }: IterateOptions
      ) => {
        const capacity = Math.max(2, Math.min(limit, batch, BATCH_ROWS))
        const iterator = session.iterator(range, { reverse, limit, capacity })
        this.#iterators.add(iterator)
        iterator.on('close', () => this.#iterators.delete(iterator))
        return batchesOf(iterator)
      },
      release: () => session.close()
    }
  }

  async settle(): Promise<void> {
    await this.#coded('the view could not be written', () => this.#db.flush())
  }

  async close(): Promise<void> {
    this.#isClosing = true
    // RocksDB waits for iterators, and nobody may ever read this one on.
    for (const iterator of this.#iterators) iterator.destroy()
    await this.#db.close()
  }

  async #coded<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (cause) {
      if (this.#isClosing)
        throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database was closed meanwhile', { cause })
      throw new MultiBeeError('MULTI_BEE_STORE_FAILED', what, { cause })
    }
  }

  #startRead(): ReadBatch {
    const batch = this.#db.read({ autoDestroy: true })
    queueMicrotask(() => {
      this.#reading = null
      batch.tryFlush()
    })
    return batch
  }
}

/** Empties the iterator's buffer at once, so that RocksDB's thread reads the next batch while this one is worked on. */
async function* batchesOf(iterator: RocksIterator): AsyncGenerator<Row[]> {
  for await (const first of iterator) {
    const rows = [first]
    for (let row = iterator.read(); row !== null; row = iterator.read()) rows.push(row)
    yield rows
  }
}
