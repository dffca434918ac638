import ReadyResource from 'ready-resource'
import { UnionBeeError } from './errors.ts'
import { type Bounds, boundsOf } from './keys/bounds.ts'
import { DeferredReader } from './merge/deferred-reader.ts'
import type { BatchReader } from './merge/merge-reader.ts'
import { ReaderStream, type UnionStream } from './merge/union-stream.ts'
import { canPinNow, openAll } from './sources/pin.ts'
import { PinBasis } from './sources/pin-basis.ts'
import type { Entry, Key, KeyRange } from './types.ts'
import type { Basis, UnionCore } from './union-core.ts'

/** What a view is of, and how long: which keys of which sources, and what ends with it. */
export abstract class ViewBase<K extends Key, V> extends ReadyResource {
  protected readonly basis: Basis<K, V>
  readonly #parent: UnionCore<K, V>
  /** @internal */
  readonly prefix: K | null
  readonly #pin: PinBasis<K, V> | null

  /**
   * @internal
   * @param prefix - stands before all keys of the view, in the union
   * @param isPin - opens by pinning the sources of the basis, and owns the pin
   */
  constructor(basis: Basis<K, V>, prefix: K | null = null, isPin = false) {
    super()
    this.prefix = prefix
    this.#pin = isPin ? new PinBasis(basis) : null
    this.basis = this.#pin ?? basis
    this.#parent = basis.core
    // Closed with the union: it may hold sources that the union has opened.
    if (isPin) basis.core.watchers.add(this)
  }

  /** @internal */
  get core(): UnionCore<K, V> {
    return this.basis.core
  }

  /** @internal Whether what it reads stands still. */
  get isPin(): boolean {
    return this.basis instanceof PinBasis
  }

  /** @internal Whether a snapshot of it is made at once. */
  get canPinNow(): boolean {
    return this.basis.isReady && canPinNow(this.core.sources)
  }

  /** @internal Opens all sources, but those that cannot be opened and may be left out. */
  async openSources(): Promise<void> {
    this.refuseClosed()
    await this.basis.ready()
    await openAll(this.core.sources, () => {})
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  override close(): Promise<void> {
    // What waits to open, or for a source, may never end otherwise.
    if (this.closing === null) this.#pin?.stop()
    return super.close()
  }

  protected override async _open(): Promise<void> {
    try {
      await this.basis.ready()
    } catch (error) {
      await this.#closePin()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    await this.#closePin()
  }

  async #closePin(): Promise<void> {
    if (this.#pin === null) return
    this.#parent.watchers.delete(this)
    await this.#pin.close()
  }

  /** Refuses after close. */
  protected refuseClosed(): void {
    if (this.closing !== null || this.core.closed)
      throw new UnionBeeError('UNION_BEE_CLOSED', 'used after close()')
  }

  protected mustOpen(): boolean {
    this.refuseClosed()
    return !this.basis.isReady
  }

  /** @internal Ends with the union. */
  protected stream<T>(read: () => BatchReader<T>): UnionStream<T> {
    const isReady = this.closing === null && !this.core.closed && this.basis.isReady
    const reader = isReady
      ? read()
      : new DeferredReader(async () => {
          if (this.mustOpen()) await this.basis.ready()
          return read()
        })
    const stream = new ReaderStream(reader)
    const { streams } = this.core
    streams.add(stream as unknown as ReaderStream<never>)
    stream.once('close', () => streams.delete(stream as unknown as ReaderStream<never>))
    return stream as unknown as UnionStream<T>
  }

  protected outer(key: K): K {
    const { keys } = this.core
    const checked = keys.check(key)
    return this.prefix === null ? checked : keys.join(this.prefix, checked)
  }

  /** Whether the other has the same prefix. */
  protected isSamePart({ prefix }: { readonly prefix: K | null }): boolean {
    const { keys } = this.core
    if (prefix === null || this.prefix === null) return prefix === this.prefix
    return keys.isKey(prefix) && keys.compare(prefix, this.prefix) === 0
  }

  protected inner(entry: Entry<K, V>): Entry<K, V> {
    if (this.prefix === null) return entry
    return { ...entry, key: this.core.keys.cut(entry.key, this.prefix.length) }
  }

  /** With the prefix; of a sub, an open end is where Hyperbee ends it. */
  protected bounds(range: KeyRange<K>): Bounds<K> {
    const { keys } = this.core
    const { lower, upper } = boundsOf(range, keys)
    if (this.prefix === null) return { lower, upper }
    const join = (key: K): K => keys.join(this.prefix as K, key)
    return {
      lower: lower ? { ...lower, key: join(lower.key) } : { key: join(keys.separator), inclusive: false },
      upper: upper
        ? { ...upper, key: join(upper.key) }
        : { key: keys.afterSub(this.prefix), inclusive: false }
    }
  }
}
