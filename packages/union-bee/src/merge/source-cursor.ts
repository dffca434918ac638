import { UnionBeeError } from '../errors.ts'
import type { Bounds } from '../keys/bounds.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type { RangeIterator } from '../sources/hyperbee-adapter.ts'
import { skippedWithin } from '../partial.ts'
import { waitFor } from '../sources/patience.ts'
import type { Entry, Key, Skipped } from '../types.ts'
import { chunksOf, type SourceChunks } from './source-chunks.ts'

/**
 * Where a scan stands in one source. `head` is the next entry, `null` at the end. A deferred cursor has no head yet, and stands before
 * `start`, the least key (greatest in reverse) it can have.
 */
export class SourceCursor<K extends Key, V> {
  readonly handle: SourceHandle<K, V>
  /** Precedence: 0 is first. */
  readonly rank: number
  readonly start: K | null
  head: Entry<K, V> | null = null
  isOpen = false
  readonly #inner: Bounds<K>
  readonly #reverse: boolean
  readonly #limit: number
  #scan: AsyncIterable<Entry<K, V>> | RangeIterator<K, V> | null = null
  #chunks: SourceChunks<Entry<K, V>> | null = null
  #chunk: readonly Entry<K, V>[] = []
  /** What must wait until what was read before it is handed over. */
  #failure: unknown = null
  #at = 0
  #previous: K | null = null
  #pending = false
  #stop: ((reason: Error) => void) | null = null
  #released = false
  #skippedCount = 0

  /** @param inner - bounds with keys as the source has them */
  constructor(handle: SourceHandle<K, V>, rank: number, inner: Bounds<K>, reverse: boolean, limit: number) {
    this.handle = handle
    this.rank = rank
    this.#inner = inner
    this.#reverse = reverse
    this.#limit = limit
    const first = reverse ? inner.upper : inner.lower
    const { prefix } = reverse ? { prefix: null } : handle.map
    this.start = first === null ? prefix : handle.map.outerKey(first.key)
    handle.use()
  }

  /** Pins the source now rather than at the first read. Throws nothing: a source that fails does so when it is read. */
  pin(): void {
    const bee = this.handle.openedBee
    if (bee === null) return
    try {
      this.#scan = this.handle.scan(bee, this.#inner, this.#reverse, this.#limit)
    } catch (error) {
      this.#scan = failing(error)
    }
  }

  /** Goes on to the next entry. `null`: done, at once. */
  advance(): Promise<void> | null {
    this.#at++
    if (this.#at < this.#chunk.length) return this.#take()
    return this.#fill()
  }

  /** What a union among the sources was left without since this was last asked. */
  takeSkipped(): Skipped[] {
    const skipped = this.#chunks?.skipped ?? []
    const added = skipped.slice(this.#skippedCount)
    this.#skippedCount = skipped.length
    return skippedWithin(this.handle.name, added)
  }

  /** Ends the source's stream, and a wait for it. Resolves when it has ended, unless it never answers. */
  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    this.head = null
    this.#stop?.(new UnionBeeError('UNION_BEE_CLOSED', 'the stream was closed while it was read'))
    try {
      if (this.#scan !== null) this.#chunks ??= chunksOf(this.#scan)
      // It would wait for its turn behind what never comes.
      if (this.#pending && this.#chunks?.canInterrupt !== true) return
      await this.#chunks?.end()
    } catch {
      // It is of no more use; what it has to say about its end is nobody's concern.
    } finally {
      this.handle.release()
    }
  }

  #take(): null {
    const entry = this.#chunk[this.#at] as Entry<K, V>
    this.#check(entry.key)
    this.head = this.handle.map.outerEntry(entry)
    return null
  }

  async #fill(): Promise<void> {
    this.head = null
    this.isOpen = true
    if (this.#failure !== null) throw this.#failure
    const chunk: Entry<K, V>[] = []
    try {
      await this.#wait(this.#next(chunk))
    } catch (error) {
      if (chunk.length === 0 || this.#released) throw error
      this.#failure = error
    }
    // Cut off from a read that goes on after its time.
    this.#chunk = this.#failure === null ? chunk : [...chunk]
    this.#at = 0
    if (chunk.length === 0) return this.release()
    this.handle.countAnswered(chunk.length)
    this.#take()
  }

  async #wait<T>(work: Promise<T>): Promise<T> {
    // Of the source itself: a wait that was given up leaves it pending.
    this.#pending = true
    const settled = (): void => {
      this.#pending = false
    }
    work.then(settled, settled)
    try {
      return await waitFor(work, this.handle.patience, (stop) => (this.#stop = stop))
    } finally {
      this.#stop = null
    }
  }

  async #next(into: Entry<K, V>[]): Promise<void> {
    if (this.#chunks === null) {
      if (this.#scan === null) {
        await this.handle.open()
        if (this.#released) return
        this.pin()
      }
      this.#chunks = chunksOf(this.#scan as AsyncIterable<Entry<K, V>>)
    }
    return this.#chunks.fill(into)
  }

  /** @throws UnionBeeError `UNION_BEE_OUT_OF_ORDER`, `UNION_BEE_BAD_KEY_ENCODING` */
  #check(key: K): void {
    const { keys } = this.handle.defaults
    const { name } = this.handle
    if (!keys.isKey(key)) throw this.handle.badEncoding()
    if (this.#previous !== null) {
      const order = keys.compare(this.#previous, key)
      if (this.#reverse ? order <= 0 : order >= 0) {
        const message = `the source ${name} did not give its keys in byte order`
        throw new UnionBeeError('UNION_BEE_OUT_OF_ORDER', message, { source: name })
      }
    }
    this.#previous = key
  }
}

// oxlint-disable-next-line require-yield
async function* failing(error: unknown): AsyncGenerator<never> {
  throw error
}
