// What hypercore-storage asks of rocksdb-native, in memory: a page has no disk. Put in its place by the bundler.
import b4a from 'b4a'
import { Readable } from 'streamx'

/** @typedef {{ gte?: Uint8Array, gt?: Uint8Array, lt?: Uint8Array, lte?: Uint8Array, reverse?: boolean, limit?: number }} Range */

/** @param {Uint8Array | string} bytes */
const hex = (bytes) => b4a.toString(typeof bytes === 'string' ? b4a.from(bytes) : bytes, 'hex')

class ReadBatch {
  /** @param {Map<string, Uint8Array>} entries */
  constructor(entries) {
    this.entries = entries
  }

  /** @param {Uint8Array} key */
  async get(key) {
    return this.entries.get(hex(key)) ?? null
  }

  tryFlush() {}
  async flush() {}
  destroy() {}
}

class WriteBatch {
  /** @param {Map<string, Uint8Array>} entries */
  constructor(entries) {
    this.entries = entries
    /** @type {(() => void)[]} */
    this.changes = []
  }

  /**
   * @param {Uint8Array} key
   * @param {Uint8Array | string | null} value
   */
  tryPut(key, value) {
    const bytes = typeof value === 'string' ? b4a.from(value) : b4a.from(value ?? b4a.alloc(0))
    const name = hex(key)
    this.changes.push(() => this.entries.set(name, bytes))
  }

  /** @param {Uint8Array} key */
  tryDelete(key) {
    const name = hex(key)
    this.changes.push(() => this.entries.delete(name))
  }

  /**
   * @param {Uint8Array} start
   * @param {Uint8Array} end
   */
  tryDeleteRange(start, end) {
    const [from, to] = [hex(start), hex(end)]
    this.changes.push(() => {
      for (const name of this.entries.keys()) if (name >= from && name < to) this.entries.delete(name)
    })
  }

  tryFlush() {
    for (const change of this.changes.splice(0)) change()
  }

  async flush() {
    this.tryFlush()
  }

  destroy() {}
}

/** Its options are those of files. */
export function ColumnFamily() {}

// oxlint-disable-next-line import/no-default-export -- as what it stands for
export default class MemoryRocks {
  static ColumnFamily = ColumnFamily

  path = '/memory/db'
  opened = true
  closed = false

  /**
   * @param {Map<string, Uint8Array>} entries
   * @param {object | null} snapshot
   */
  constructor(entries = new Map(), snapshot = null) {
    this.entries = entries
    // oxlint-disable-next-line no-underscore-dangle -- upstream looks at it
    this._snapshot = snapshot
  }

  columnFamily() {
    return this
  }

  session() {
    // oxlint-disable-next-line no-underscore-dangle -- upstream looks at it
    return new MemoryRocks(this.entries, this._snapshot)
  }

  snapshot() {
    return new MemoryRocks(new Map(this.entries), {})
  }

  read() {
    return new ReadBatch(this.entries)
  }

  write() {
    return new WriteBatch(this.entries)
  }

  /** @param {Range} range */
  iterator({ gte, gt, lt, lte, reverse = false, limit = Infinity }) {
    const names = [...this.entries.keys()].sort().filter((name) => {
      const after = (gte === undefined || name >= hex(gte)) && (gt === undefined || name > hex(gt))
      return after && (lt === undefined || name < hex(lt)) && (lte === undefined || name <= hex(lte))
    })
    if (reverse) names.reverse()
    const found = names.slice(0, limit < 0 ? Infinity : limit)
    return Readable.from(found.map((name) => ({ key: b4a.from(name, 'hex'), value: this.entries.get(name) })))
  }

  async ready() {}
  async flush() {}
  async close() {}
  async suspend() {}
  async resume() {}
  async compactRange() {}
}
