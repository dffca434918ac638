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

/** What a store was asked for so far. A page of a list counts as one request; so does what is not there. */
export interface RequestCounts {
  /** All of the five below. */
  requests: number
  puts: number
  gets: number
  heads: number
  lists: number
  deletes: number
  bytesRead: number
  bytesWritten: number
}

/** Passes all calls on to another store, and counts them. */
export class CountedStore implements ObjectStore {
  readonly readOnly: boolean
  readonly #inner: ObjectStore
  readonly #counts: RequestCounts = {
    requests: 0,
    puts: 0,
    gets: 0,
    heads: 0,
    lists: 0,
    deletes: 0,
    bytesRead: 0,
    bytesWritten: 0
  }

  constructor(inner: ObjectStore) {
    this.#inner = inner
    this.readOnly = inner.readOnly
  }

  /** Counts since it was made; a copy. */
  get counts(): RequestCounts {
    return { ...this.#counts }
  }

  putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    this.#count('puts')
    this.#counts.bytesWritten += bytes.byteLength
    return this.#inner.putIfAbsent(name, bytes, options)
  }

  async getRange(name: string, range: ByteRange, options?: GetOptions): Promise<RangeResult | null> {
    this.#count('gets')
    const result = await this.#inner.getRange(name, range, options)
    this.#counts.bytesRead += result?.bytes.byteLength ?? 0
    return result
  }

  head(name: string, options?: CallOptions): Promise<ObjectInfo | null> {
    this.#count('heads')
    return this.#inner.head(name, options)
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    this.#count('lists')
    let names = 0
    for await (const info of this.#inner.list(prefix, options)) {
      if (names > 0 && names % LIST_PAGE === 0) this.#count('lists')
      names++
      yield info
    }
  }

  delete(name: string, options?: CallOptions): Promise<void> {
    this.#count('deletes')
    return this.#inner.delete(name, options)
  }

  #count(verb: 'puts' | 'gets' | 'heads' | 'lists' | 'deletes'): void {
    this.#counts[verb]++
    this.#counts.requests++
  }
}

/** Names that S3 gives at once. */
const LIST_PAGE = 1000
