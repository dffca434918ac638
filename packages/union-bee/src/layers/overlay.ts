import { UnionBeeError } from '../errors.ts'
import { GeneratorReader } from '../merge/generator-reader.ts'
import type { UnionStream } from '../merge/union-stream.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type {
  BatchLike,
  BeeLike,
  DiffEntry,
  Key,
  Source,
  ValueCodec,
  ValueEncoding,
  WritableBeeLike
} from '../types.ts'
import { UnionBee, type UnionBeeOptions } from '../union-bee.ts'
import { checkBottom, clearTop, copy } from './compaction.ts'
import { OverlayBatch } from './overlay-batch.ts'
import { TOMBSTONE, tombstoneEncoding } from './tombstone-encoding.ts'
import { topChanges } from './top-changes.ts'

const TOP = 'top'

export interface OverlayOptions<K extends Key = string, V = unknown> extends Omit<
  UnionBeeOptions<K, V>,
  'resolve' | 'disjoint'
> {
  /** Takes all writes. Its values are of `valueEncoding`, with room for tombstones: FORMAT.md. */
  top: WritableBeeLike<K, V>
  /** What is shown where the top has nothing; in order of precedence when there are several. Never written to. */
  lower: BeeLike<K, V> | Source<K, V> | readonly (BeeLike<K, V> | Source<K, V>)[]
  /** Of the top. The lower ones keep their own. @defaultValue 'json' */
  valueEncoding?: ValueEncoding
}

/**
 * A writable top over read-only layers, as one editable database. Reads through, writes to the top; a `del` leaves a tombstone there. It
 * borrows its bees.
 */
export class Overlay<K extends Key = string, V = unknown> extends UnionBee<K, V> {
  readonly #top: WritableBeeLike<K, V>
  readonly #codec: ValueCodec
  readonly #batches = new Set<OverlayBatch<K, V>>()
  readonly #writes = new Set<Promise<unknown>>()
  #isCompacting = false
  #clearing: Promise<void> | null = null

  /** @throws UnionBeeError `UNION_BEE_NO_SOURCES`, `UNION_BEE_BAD_ARGUMENT` */
  constructor({ top, lower, valueEncoding = 'json', ...options }: OverlayOptions<K, V>) {
    const lowers = Array.isArray(lower) ? (lower as readonly BeeLike<K, V>[]) : [lower as BeeLike<K, V>]
    super([{ bee: top, name: TOP, layer: valueEncoding }, ...lowers], options)
    if (typeof top.put !== 'function' || typeof top.del !== 'function' || typeof top.batch !== 'function')
      throw new UnionBeeError('UNION_BEE_NOT_WRITABLE', 'the top lacks put, del or batch')
    this.#top = top
    this.#codec = tombstoneEncoding(valueEncoding)
  }

  /**
   * Writes to the top. One write of the top, no read.
   *
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY`, `UNION_BEE_BAD_ARGUMENT` for a value that cannot be encoded,
   * `UNION_BEE_SOURCE_FAILED` with the top's error as cause; `UNION_BEE_UNSUPPORTED` when it is given a `cas`, which would compare with the top alone
   */
  async put(key: K, value: V, { cas }: { cas?: never } = {}): Promise<void> {
    const checked = this.#check(key)
    if (cas !== undefined) throw new UnionBeeError('UNION_BEE_UNSUPPORTED', 'an overlay knows no `cas`')
    const bytes = this.#encoded(value)
    await this.#write(() => this.#top.put(checked, bytes as V, this.#encoding()))
  }

  /** Hides the key, whether it is there or not. One write of the top, no read. @throws UnionBeeError as {@link put} */
  async del(key: K, options: { cas?: never } = {}): Promise<void> {
    await this.put(key, TOMBSTONE as V, options)
  }

  /** Several writes at once, as the top's own batch makes them. @throws UnionBeeError `UNION_BEE_CLOSED` */
  batch(): OverlayBatch<K, V> {
    this.refuseClosed()
    const own = this.#top.batch(this.#encoding()) as BatchLike<K, Uint8Array>
    const batch: OverlayBatch<K, V> = new OverlayBatch(own, {
      check: (key) => this.#check(key),
      encoded: (value) => this.#encoded(value),
      refuseClosed: () => this.refuseClosed(),
      write: (work) => this.#write(work),
      ended: () => this.#batches.delete(batch)
    })
    this.#batches.add(batch)
    return batch
  }

  /** As {@link UnionBee.remove}; the top stays. @throws UnionBeeError also `UNION_BEE_BAD_ARGUMENT` */
  override async remove(name: string): Promise<void> {
    if (name === TOP) throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'an overlay keeps its top')
    await super.remove(name)
  }

  /**
   * What the top changes, in byte order of keys: `left` as the top has it (`null`: deleted), `right` as the other sources show it (`null`:
   * added). A key that the top has is there even when both are alike; one of which nobody knows whether it is added is not, and the stream
   * has `skipped`. Cost: a scan of the top, and a lookup below for each entry.
   *
   * @throws UnionBeeError through the stream, as a union's reads
   */
  diff(): UnionStream<DiffEntry<K, V>> {
    this.refuseClosed()
    return this.stream(() => new GeneratorReader((reading) => topChanges(this.core, TOP, reading)))
  }

  /**
   * Folds the top into a new bottom: writes all that is shown into an empty bee, which then stands alone below the top, and takes out of
   * the top what is in it now and was not written since. Streams that are open go on with what they began with; sources that were added
   * meanwhile stay; what the union has opened of those that are replaced is closed. Cost: a scan of everything, and one append for 1,000
   * entries. Ended by `close()`, unless the top is being cleared already: for that `close()` waits.
   *
   * After a crash before `onFolded` `into` is to be thrown away, and the old layers have all. From `onFolded` on the new bottom has to be used.
   *
   * @param into - empty, and none of the sources; borrowed
   * @param options.onFolded - is awaited once `into` has all, before anything is taken out of the top: note here which bottom counts
   * @throws UnionBeeError `UNION_BEE_NOT_EMPTY`; `UNION_BEE_PARTIAL` when a source was skipped: nothing has changed; `UNION_BEE_BAD_ARGUMENT`
   * while another one runs, when a source stands above the top, or when `into` is one of them; `UNION_BEE_SOURCE_FAILED` when a bee cannot be
   * written; and as a union's reads
   */
  async compact(into: WritableBeeLike<K, V>, { onFolded }: { onFolded?: () => unknown } = {}): Promise<void> {
    this.refuseClosed()
    if (this.#isCompacting)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the overlay is being compacted already')
    const { handles } = this.core.sources
    if (handles[0]?.name !== TOP)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'a source stands above the top')
    this.#isCompacting = true
    try {
      await using folded = this.snapshot()
      await folded.ready()
      await checkBottom(into, this.core.sources)
      const stream = folded.createReadStream()
      await copy(stream, into)
      if (stream.skipped.length > 0)
        throw new UnionBeeError('UNION_BEE_PARTIAL', 'a source was skipped: nothing is folded without it')
      this.refuseClosed()
      await onFolded?.()
      this.refuseClosed()
      this.#replaceLower(into, handles)
      this.#clearing = clearTop(this.#top, folded.core.sources.named(TOP).openedBee as BeeLike<K, V>, () =>
        this.#encoding()
      )
      await this.#clearing
    } finally {
      this.#isCompacting = false
      this.#clearing = null
    }
  }

  protected override async finish(): Promise<void> {
    // First, for a batch that is left open keeps the top locked for what is waited for next.
    await Promise.all(Array.from(this.#batches, (batch) => batch.close().catch(() => {})))
    // Who has begun to write is told how it went, also who compacts.
    await Promise.allSettled([...this.#writes, this.#clearing])
  }

  /** @param folded - the sources that `into` stands for now, the top among them */
  #replaceLower(into: WritableBeeLike<K, V>, folded: readonly SourceHandle<K, V>[]): void {
    const { sources } = this.core
    const replaced = folded.filter(({ name }) => name !== TOP)
    sources.replace([...sources.handles.filter((other) => !replaced.includes(other)), sources.handle(into)])
    // Closed once nobody reads it any more, at the latest with the overlay, which tells of a failure.
    for (const handle of replaced) sources.retire(handle).catch(() => {})
  }

  async #write<T>(work: () => Promise<T>): Promise<T> {
    const writing = (async () => work())()
    this.#writes.add(writing)
    try {
      return await writing
    } catch (cause) {
      throw new UnionBeeError('UNION_BEE_SOURCE_FAILED', 'the top could not be written', {
        cause,
        source: TOP
      })
    } finally {
      this.#writes.delete(writing)
    }
  }

  /** Before the top has it: a Hyperbee whose encoding throws stays locked. @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
  #encoded(value: unknown): Uint8Array {
    try {
      return this.#codec.encode(value as never)
    } catch (cause) {
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the value cannot be encoded', { cause })
    }
  }

  /** Takes values as {@link #encoded} gives them. One for each write: Hyperbee notes in it what it waits for. */
  #encoding(): { valueEncoding: ValueCodec } {
    return {
      valueEncoding: { encode: (bytes: Uint8Array) => bytes, decode: (bytes) => this.#codec.decode(bytes) }
    }
  }

  #check(key: K): K {
    this.refuseClosed()
    return this.core.keys.check(key)
  }
}

/** A writable top over one or more read-only layers. @throws UnionBeeError `UNION_BEE_NOT_WRITABLE`, `UNION_BEE_BAD_ARGUMENT` */
export function createOverlay<K extends Key = string, V = unknown>(
  options: OverlayOptions<K, V>
): Overlay<K, V> {
  return new Overlay(options)
}
