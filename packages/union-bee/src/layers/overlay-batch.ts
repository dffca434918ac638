import type { BatchLike, Key } from '../types.ts'
import { TOMBSTONE } from './tombstone-encoding.ts'

/** What a batch needs of its overlay. */
export interface BatchOwner<K extends Key> {
  /** @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY` */
  check(key: K): K
  /** @throws UnionBeeError `UNION_BEE_CLOSED` */
  refuseClosed(): void
  /** @throws UnionBeeError `UNION_BEE_SOURCE_FAILED` */
  write<T>(work: () => Promise<T>): Promise<T>
  ended(batch: object): void
}

/**
 * Writes that reach the top together. Ends with `flush`, `close` or the overlay.
 *
 * @throws UnionBeeError from its methods: `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY`, `UNION_BEE_SOURCE_FAILED` with the top's error as cause
 */
export class OverlayBatch<K extends Key = string, V = unknown> {
  readonly #batch: BatchLike<K, V>
  readonly #owner: BatchOwner<K>

  /** @internal */
  constructor(batch: BatchLike<K, V>, owner: BatchOwner<K>) {
    this.#batch = batch
    this.#owner = owner
  }

  async put(key: K, value: V): Promise<void> {
    const checked = this.#owner.check(key)
    await this.#owner.write(() => this.#batch.put(checked, value))
  }

  async del(key: K): Promise<void> {
    await this.put(key, TOMBSTONE as V)
  }

  /** Commits the batch; afterwards it is closed. */
  async flush(): Promise<void> {
    this.#owner.refuseClosed()
    await this.#owner.write(() => this.#batch.flush())
    this.#owner.ended(this)
  }

  /** Drops the batch. */
  async close(): Promise<void> {
    this.#owner.ended(this)
    await this.#batch.close()
  }
}
