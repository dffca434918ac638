import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { COMMITS, isNamedFor } from '../format/names.ts'
import type {
  ByteRange,
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  RangeResult
} from './object-store.ts'

const HASH_BYTES = 32
const SIZE_BYTES = 8
const MAX_BYTES: number = 256 * 1024 * 1024
/** What waits to be written to a cache that is slow: what is read meanwhile is not kept. */
const MAX_WAITING_BYTES: number = 16 * 1024 * 1024
/** What is swept leaves so much of the room, so that not every read sweeps. */
const KEPT = 0.75

/**
 * Keeps the parts of objects that were read in another store, as a rule a directory. Commits are always asked for where they are, since
 * they say what is newest; all else in an archive is named for its bytes, and never changes. What is damaged in the cache is read anew.
 */
export class CachedStore implements ObjectStore {
  readonly readOnly: boolean
  readonly #inner: ObjectStore
  readonly #cache: ObjectStore
  readonly #maxBytes: number
  /** Of the cache, once it was listed. */
  #bytes: number | null = null
  #writing: Promise<unknown> = Promise.resolve()
  #waitingBytes = 0

  /** @param maxBytes - of the cache; what was put there first goes first. @defaultValue 256 MiB */
  constructor(inner: ObjectStore, cache: ObjectStore, maxBytes: number = MAX_BYTES) {
    this.readOnly = inner.readOnly
    this.#inner = inner
    this.#cache = cache
    this.#maxBytes = maxBytes
  }

  async getRange(name: string, range: ByteRange, options?: GetOptions): Promise<RangeResult | null> {
    if (name.startsWith(COMMITS)) return this.#inner.getRange(name, range, options)
    const place = placeOf(name, range)
    const known = await this.#known(place)
    if (known !== null) return known
    // Not into the caller's memory: what is kept is written later.
    const call = options?.signal === undefined ? {} : { signal: options.signal }
    const result = await this.#inner.getRange(name, range, call)
    if (result !== null && isWorthKeeping(name, range, result)) this.#later(place, result)
    return result
  }

  putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    return this.#inner.putIfAbsent(name, bytes, options)
  }

  head(name: string, options?: CallOptions): Promise<ObjectInfo | null> {
    return this.#inner.head(name, options)
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(prefix, options)
  }

  delete(name: string, options?: CallOptions): Promise<void> {
    return this.#inner.delete(name, options)
  }

  /** Drops all that is kept of an object, after what is being written: it was not what it should be. */
  async forget(name: string): Promise<void> {
    this.#writing = this.#writing.then(() => this.#drop(name)).catch(() => {})
    await this.#writing
  }

  /** Once all that was read is kept. */
  async settled(): Promise<void> {
    await this.#writing
  }

  #later(place: string, result: RangeResult): void {
    const { byteLength } = result.bytes
    if (this.#waitingBytes + byteLength > MAX_WAITING_BYTES) return
    this.#waitingBytes += byteLength
    this.#writing = this.#writing
      .then(() => this.#keep(place, result))
      .catch(() => {})
      .finally(() => (this.#waitingBytes -= byteLength))
  }

  async #drop(name: string): Promise<void> {
    for (const place of await this.#list(folderOf(name))) {
      await this.#cache.delete(place.name)
      if (this.#bytes !== null) this.#bytes -= place.size
    }
  }

  async #known(place: string): Promise<RangeResult | null> {
    try {
      const kept = await this.#cache.getRange(place, { start: 0, end: Number.MAX_SAFE_INTEGER })
      if (kept === null) return null
      const body = kept.bytes.subarray(HASH_BYTES)
      if (b4a.equals(crypto.hash(body), kept.bytes.subarray(0, HASH_BYTES)))
        return { bytes: b4a.from(body.subarray(SIZE_BYTES)), size: Number(viewOf(body).getBigUint64(0)) }
      await this.#cache.delete(place)
    } catch {
      // A cache that does not work is none.
    }
    return null
  }

  async #keep(place: string, { bytes, size }: RangeResult): Promise<void> {
    const body = b4a.concat([b4a.alloc(SIZE_BYTES), bytes])
    viewOf(body).setBigUint64(0, BigInt(size))
    const kept = b4a.concat([crypto.hash(body), body])
    if (kept.byteLength > this.#maxBytes) return
    this.#bytes ??= (await this.#list()).reduce((sum, { size }) => sum + size, 0)
    if (await this.#cache.putIfAbsent(place, kept)) this.#bytes += kept.byteLength
    if (this.#bytes > this.#maxBytes) await this.#sweep(place)
  }

  async #sweep(newest: string): Promise<void> {
    const all = (await this.#list()).filter(({ name }) => name !== newest)
    all.sort((a, b) => a.modifiedMs - b.modifiedMs)
    for (const { name, size } of all) {
      if ((this.#bytes ?? 0) <= this.#maxBytes * KEPT) return
      await this.#cache.delete(name)
      this.#bytes = (this.#bytes ?? 0) - size
    }
  }

  async #list(prefix = ''): Promise<ObjectInfo[]> {
    const all: ObjectInfo[] = []
    for await (const info of this.#cache.list(prefix)) all.push(info)
    return all
  }
}

function placeOf(name: string, { start, end }: ByteRange): string {
  return `${folderOf(name)}${start.toString(36)}-${end.toString(36)}`
}

function folderOf(name: string): string {
  const hash = b4a.toString(crypto.hash(b4a.from(name)), 'hex').slice(0, 32)
  return `${hash.slice(0, 2)}/${hash}/`
}

/** What is all of an object can be told from what was damaged on its way; a part is dropped again by {@link CachedStore.forget}. */
function isWorthKeeping(name: string, { start }: ByteRange, { bytes, size }: RangeResult): boolean {
  return start > 0 || bytes.byteLength < size || isNamedFor(name, bytes)
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
