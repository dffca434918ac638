import { UnionBeeError } from '../errors.ts'
import type { BatchLike, Key } from '../types.ts'
import { TOMBSTONE } from './tombstone-encoding.ts'

/** What a batch needs of its overlay. */
export interface BatchOwner<K extends Key> {
  /** @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY` */
  check(key: K): K
  /** A value as the top stores it. @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
  encoded(value: unknown): Uint8Array
  /** @throws UnionBeeError `UNION_BEE_CLOSED` */
  refuseClosed(): void
  /** @throws UnionBeeError `UNION_BEE_SOURCE_FAILED` */
  write<T>(work: () => Promise<T>): Promise<T>
  ended(batch: object): void
}

/**
 * Writes that reach the top together. Ends with `flush`, `close` or the overlay.
 *
 * @throws UnionBeeError from its methods: `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY`, `UNION_BEE_BAD_ARGUMENT` for a value that cannot be
 * encoded, `UNION_BEE_SOURCE_FAILED` with the top's error as cause
 */
export class OverlayBatch<K extends Key = string, V = unknown> {
  readonly #batch: BatchLike<K, Uint8Array>
  readonly #owner: BatchOwner<K>
  #flushing: Promise<unknown> | null = null
  #isClosed = false

  /** @internal */
  constructor(batch: BatchLike<K, Uint8Array>, owner: BatchOwner<K>) {
    this.#batch = batch
    this.#owner = owner
  }

  async put(key: K, value: V): Promise<void> {
    const checked = this.#owner.check(key)
    this.#refuseClosed()
    const bytes = this.#owner.encoded(value)
    try {
      await this.#owner.write(() => this.#batch.put(checked, bytes))
    } finally {
      // It may have been given the lock of the top after it was closed.
      if (this.#isClosed) await this.#batch.close()
    }
  }

  async del(key: K): Promise<void> {
    await this.put(key, TOMBSTONE as V)
  }

  /** Commits the batch; afterwards it is closed. */
  async flush(): Promise<void> {
    this.#owner.refuseClosed()
    this.#refuseClosed()
    this.#flushing = this.#owner.write(() => this.#batch.flush())
    await this.#flushing
    this.#owner.ended(this)
  }

  /** Drops the batch. One that is being flushed is written first. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#owner.ended(this)
    // Hyperbee's own close would take the lock away from under it.
    await this.#flushing?.catch(() => {})
    await this.#batch.close()
  }

  /** @throws UnionBeeError `UNION_BEE_CLOSED` */
  #refuseClosed(): void {
    if (this.#isClosed) throw new UnionBeeError('UNION_BEE_CLOSED', 'the batch is closed')
  }
}
