import { UnionBeeError } from '../errors.ts'
import type { Keys } from '../keys/keys.ts'
import { TOMBSTONE } from '../layers/tombstone-encoding.ts'
import type { Candidate, Resolve } from '../resolve.ts'
import type { Entry, Key, Skipped } from '../types.ts'
import { Heap } from './heap.ts'
import type { SourceCursor } from './source-cursor.ts'
import { visible } from './visible.ts'

/** Entries handed over at once: more cost memory and time to the first, fewer a promise each. */
const BATCH_LENGTH = 64

/** What comes out in batches, and says what it was left without. */
export interface BatchReader<T> {
  readonly skipped: readonly Skipped[]
  /** `null` at the end. Not to be called again before it has settled. */
  next(): Promise<readonly T[] | null>
  /** May be called at any time; ends a `next` under way. */
  release(): Promise<void>
}

export interface MergeOptions<K extends Key, V> {
  keys: Keys<K>
  resolve: Resolve<K, V>
  reverse: boolean
  /** Infinity is no limit. */
  limit: number
}

/**
 * Merges the cursors by a heap: each key once, in byte order, as {@link visible} decides. Memory: what the sources' streams buffer, and one
 * batch.
 */
export class MergeReader<K extends Key, V> implements BatchReader<Entry<K, V>> {
  readonly skipped: Skipped[] = []
  readonly #cursors: readonly SourceCursor<K, V>[]
  readonly #heap: Heap<SourceCursor<K, V>>
  readonly #keys: Keys<K>
  readonly #resolve: Resolve<K, V>
  #left: number
  /** Cursors on their way to their next entry; not in the heap. */
  #moving: Promise<unknown>[] = []
  #begun = false
  #released: Promise<void> | null = null

  constructor(cursors: readonly SourceCursor<K, V>[], { keys, resolve, reverse, limit }: MergeOptions<K, V>) {
    this.#cursors = cursors
    this.#keys = keys
    this.#resolve = resolve
    this.#left = limit
    const sign = reverse ? -1 : 1
    this.#heap = new Heap((a, b) => {
      const order = keys.compare(keyOf(a), keyOf(b)) * sign
      if (order !== 0) return order
      // One that is still to be opened comes first: it may have this very key.
      return a.isOpen === b.isOpen ? a.rank - b.rank : a.isOpen ? 1 : -1
    })
  }

  async next(): Promise<readonly Entry<K, V>[] | null> {
    if (!this.#begun) this.#begin()
    const batch: Entry<K, V>[] = []
    while (batch.length === 0 && this.#left > 0 && this.#released === null) {
      if (this.#moving.length > 0) {
        const moving = this.#moving
        this.#moving = []
        await Promise.all(moving)
      }
      if (this.#heap.size === 0) break
      this.#collect(batch)
    }
    if (this.#released !== null) throw new UnionBeeError('UNION_BEE_CLOSED', 'the stream is closed')
    if (batch.length > 0) return batch
    await this.release()
    return null
  }

  release(): Promise<void> {
    this.#released ??= this.#releaseAll()
    return this.#released
  }

  async #releaseAll(): Promise<void> {
    await Promise.all(this.#cursors.map((cursor) => cursor.release()))
  }

  #begin(): void {
    this.#begun = true
    for (const cursor of this.#cursors) {
      if (cursor.handle.isDeferred && cursor.start !== null) this.#heap.push(cursor)
      else this.#advance(cursor)
    }
  }

  /** Fills the batch until it is full, or a source must be waited for. */
  #collect(batch: Entry<K, V>[]): void {
    const heap = this.#heap
    while (batch.length < BATCH_LENGTH && this.#left > 0 && this.#moving.length === 0) {
      const top = heap.peek()
      if (top === undefined) return
      if (!top.isOpen) {
        heap.pop()
        this.#advance(top)
        continue
      }
      const entry = top.head as Entry<K, V>
      heap.pop()
      const next = heap.peek()
      if (next !== undefined && this.#keys.compare(keyOf(next), entry.key) === 0) {
        this.#collectEqual(top, batch)
        continue
      }
      if (entry.value !== TOMBSTONE) this.#emit(entry, batch)
      this.#advance(top)
    }
  }

  #collectEqual(first: SourceCursor<K, V>, batch: Entry<K, V>[]): void {
    const group = [first]
    const { key } = first.head as Entry<K, V>
    for (;;) {
      const next = this.#heap.peek()
      if (next === undefined || this.#keys.compare(keyOf(next), key) !== 0) break
      this.#heap.pop()
      group.push(next)
    }
    const candidates: Candidate<K, V>[] = group.map(({ head, handle }) => ({
      entry: head as Entry<K, V>,
      source: handle
    }))
    const shown = visible(candidates, this.#resolve)
    if (shown !== null) this.#emit(shown.entry, batch)
    for (const cursor of group) this.#advance(cursor)
  }

  #emit(entry: Entry<K, V>, batch: Entry<K, V>[]): void {
    batch.push(entry)
    this.#left--
  }

  /** Back into the heap with its next entry, at once or when that has come. */
  #advance(cursor: SourceCursor<K, V>): void {
    try {
      const moving = cursor.advance()
      if (moving === null) this.#heap.push(cursor)
      else this.#follow(cursor, moving)
    } catch (error) {
      this.#follow(cursor, Promise.reject(error))
    }
  }

  #follow(cursor: SourceCursor<K, V>, moving: Promise<void>): void {
    const settled = this.#settle(cursor, moving)
    // A failure is told by the next read, which may come much later.
    settled.catch(() => {})
    this.#moving.push(settled)
  }

  async #settle(cursor: SourceCursor<K, V>, moving: Promise<void>): Promise<void> {
    try {
      await moving
      for (const skipped of cursor.takeSkipped()) this.skipped.push(skipped)
      if (cursor.head !== null) this.#heap.push(cursor)
    } catch (error) {
      if (this.#released !== null) return
      const failure = cursor.handle.failure(error)
      if (!cursor.handle.mayBeSkipped) throw failure
      this.skipped.push({ source: cursor.handle.name, cause: failure })
      await cursor.release()
    }
  }
}

function keyOf<K extends Key, V>({ head, start }: SourceCursor<K, V>): K {
  return (head === null ? start : head.key) as K
}
