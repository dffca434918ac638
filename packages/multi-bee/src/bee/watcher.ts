import ReadyResource from 'ready-resource'
import type { EncodingOptions } from '../types.ts'
import { isInRange } from '../view/byte-range.ts'
import type { ByteRange } from '../view/view-store.ts'
import type { BeeReader } from './bee-reader.ts'
import { BeeSnapshot } from './snapshot.ts'

/**
 * Yields `[current, previous]` snapshots whenever something in its range has changed since it last yielded. Changes that come while
 * the loop body runs are yielded together. Ends with `close()`, `break`, or the database.
 */
export class Watcher<K, V>
  extends ReadyResource
  implements AsyncIterableIterator<[BeeSnapshot<K, V>, BeeSnapshot<K, V>]>
{
  readonly #bee: BeeReader<K, V>
  readonly #range: ByteRange
  readonly #options: EncodingOptions | undefined
  #previous: BeeSnapshot<K, V> | null = null
  #changed = false
  #wake: (() => void) | null = null
  #unlisten: (() => void) | null = null
  #turn: Promise<unknown> = Promise.resolve()

  /** @internal */
  constructor(bee: BeeReader<K, V>, range: ByteRange, options?: EncodingOptions) {
    super()
    this.#bee = bee
    this.#range = range
    this.#options = options
    this.ready().catch(() => {})
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<[BeeSnapshot<K, V>, BeeSnapshot<K, V>], undefined>> {
    const next = this.#turn.then(() => this.#next())
    this.#turn = next.catch(() => {})
    return next
  }

  async #next(): Promise<IteratorResult<[BeeSnapshot<K, V>, BeeSnapshot<K, V>], undefined>> {
    await this.ready()
    while (!this.#changed && this.closing === null)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.closing !== null || this.#previous === null) return { done: true, value: undefined }
    this.#changed = false
    const previous = this.#previous
    const current = await this.#snapshot()
    this.#previous = current
    return { done: false, value: [current, previous] }
  }

  async return(): Promise<IteratorResult<[BeeSnapshot<K, V>, BeeSnapshot<K, V>], undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    const { changes } = await this.#bee.database()
    this.#previous = await this.#snapshot()
    this.#unlisten = changes.listen(
      (keys) => {
        if (!keys.some((key) => isInRange(key, this.#range))) return
        this.#changed = true
        this.#wake?.()
      },
      () => void this.close()
    )
  }

  protected override _close(): Promise<void> {
    this.#unlisten?.()
    this.#wake?.()
    return Promise.resolve()
  }

  async #snapshot(): Promise<BeeSnapshot<K, V>> {
    const snapshot = new BeeSnapshot<K, V>(this.#bee, null, this.#options)
    await snapshot.ready()
    return snapshot
  }
}
