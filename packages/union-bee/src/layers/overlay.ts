import { UnionBeeError } from '../errors.ts'
import { GeneratorReader } from '../merge/generator-reader.ts'
import { ReaderStream, type UnionStream } from '../merge/union-stream.ts'
import type {
  BatchLike,
  BeeLike,
  DiffEntry,
  Entry,
  Key,
  Source,
  ValueCodec,
  ValueEncoding,
  WritableBeeLike
} from '../types.ts'
import { UnionBee, type UnionBeeOptions } from '../union-bee.ts'
import { TOMBSTONE, tombstoneEncoding } from './tombstone-encoding.ts'

/** Entries that one append holds while the top is folded. */
const FOLD_LENGTH = 1000

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
  readonly #encoding: { valueEncoding: ValueCodec }
  readonly #options: UnionBeeOptions<K, V>
  #lower: readonly (BeeLike<K, V> | Source<K, V>)[]
  #compacting = false

  /** @throws UnionBeeError `UNION_BEE_NO_SOURCES`, `UNION_BEE_BAD_ARGUMENT` */
  constructor({ top, lower, valueEncoding = 'json', ...options }: OverlayOptions<K, V>) {
    const lowers = Array.isArray(lower) ? (lower as readonly BeeLike<K, V>[]) : [lower as BeeLike<K, V>]
    super([{ bee: top, name: TOP, layer: valueEncoding }, ...lowers], options)
    if (typeof top.put !== 'function' || typeof top.del !== 'function' || typeof top.batch !== 'function')
      throw new UnionBeeError('UNION_BEE_NOT_WRITABLE', 'the top lacks put, del or batch')
    this.#top = top
    this.#lower = lowers
    this.#options = options
    this.#encoding = { valueEncoding: tombstoneEncoding(valueEncoding) }
  }

  /**
   * Writes to the top. One write of the top, no read.
   *
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY`, `UNION_BEE_SOURCE_FAILED` with the top's error as cause
   */
  async put(key: K, value: V): Promise<void> {
    const checked = this.#writable(key)
    await this.#write(this.#top.put(checked, value, this.#encoding))
  }

  /** Hides the key, whether it is there or not. One write of the top, no read. @throws UnionBeeError as {@link put} */
  async del(key: K): Promise<void> {
    const checked = this.#writable(key)
    await this.#write(this.#top.put(checked, TOMBSTONE as V, this.#encoding))
  }

  /** Several writes at once, as the top's own batch makes them. @throws UnionBeeError `UNION_BEE_CLOSED` */
  batch(): OverlayBatch<K, V> {
    this.#refuse()
    return new OverlayBatch(this.#top.batch(this.#encoding), (key) => this.#writable(key))
  }

  /**
   * What the top changes, in byte order of keys: `left` as it is shown (`null`: deleted), `right` as the lower sources have it (`null`:
   * added). A key that the top has is there even when both are alike. Cost: a scan of the top, and a lookup below for each entry.
   *
   * @throws UnionBeeError through the stream, as a union's reads
   */
  diff(): UnionStream<DiffEntry<K, V>> {
    this.#refuse()
    const reader = new GeneratorReader(({ own }) => this.#differences(own))
    return new ReaderStream(reader) as unknown as UnionStream<DiffEntry<K, V>>
  }

  /**
   * Folds the top into a new bottom: writes all that is shown into an empty bee, which then stands alone below the top, and takes out of
   * the top what is in it now and was not written since. Streams that are open go on with what they began with; sources that were added
   * meanwhile stay. Cost: a scan of everything, and one append for 1,000 entries.
   *
   * After a crash before `onFolded` `into` is to be thrown away, and the old layers have all. From `onFolded` on the new bottom has to be used.
   *
   * @param into - empty; borrowed
   * @param options.onFolded - is awaited once `into` has all, before anything is taken out of the top: note here which bottom counts
   * @throws UnionBeeError `UNION_BEE_NOT_EMPTY`; `UNION_BEE_PARTIAL` when a source was skipped: nothing has changed; `UNION_BEE_BAD_ARGUMENT`
   * while another one runs, or when a source stands above the top; and as a union's reads
   */
  async compact(into: WritableBeeLike<K, V>, { onFolded }: { onFolded?: () => unknown } = {}): Promise<void> {
    this.#refuse()
    if (this.#compacting)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the overlay is being compacted already')
    const handles = this.core.sources.handles
    if (handles[0]?.name !== TOP)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'a source stands above the top')
    this.#compacting = true
    try {
      for await (const _ of into.createReadStream({}, { limit: 1 }))
        throw new UnionBeeError('UNION_BEE_NOT_EMPTY', 'a new bottom is an empty bee')
      await using folded = this.snapshot()
      await folded.ready()
      const stream = folded.createReadStream()
      await copy(stream, into)
      if (stream.skipped.length > 0)
        throw new UnionBeeError('UNION_BEE_PARTIAL', 'a source was skipped: nothing is folded without it')
      await onFolded?.()
      const name = this.#replaceLower(into, handles)
      await this.#clearTop(folded.core.sources.named(TOP).openedBee as BeeLike<K, V>)
      this.#lower = [{ bee: into, name }]
    } finally {
      this.#compacting = false
    }
  }

  /** @param folded - the sources that `into` stands for now, the top among them */
  #replaceLower(into: WritableBeeLike<K, V>, folded: readonly { name: string }[]): string {
    const { sources } = this.core
    const handle = sources.handle(into)
    const kept = sources.handles.filter((other) => other.name === TOP || !folded.includes(other))
    sources.replace([...kept, handle])
    return handle.name
  }

  /** Only what is as it was when it was folded. */
  async #clearTop(folded: BeeLike<K, V>): Promise<void> {
    let entries: Entry<K, V>[] = []
    const clear = async (): Promise<void> => {
      const batch = this.#top.batch(this.#encoding)
      // Nobody else may write between the look and the deletion.
      await batch.lock?.()
      try {
        for (const { key, seq } of entries) if ((await batch.get(key))?.seq === seq) await batch.del(key)
        await batch.flush()
      } catch (error) {
        // Or its lock would stay.
        await batch.close()
        throw error
      }
      entries = []
    }
    for await (const entry of folded.createReadStream({}, this.#encoding)) {
      entries.push(entry)
      if (entries.length === FOLD_LENGTH) await clear()
    }
    await clear()
  }

  async *#differences(own: <T extends object>(stream: T) => T): AsyncGenerator<DiffEntry<K, V>> {
    await using below = new UnionBee<K, V>(this.#lower, this.#options)
    const top = own(this.#top.createReadStream({}, this.#encoding))
    for await (const entry of top) {
      const isDeleted = (entry.value as unknown) === TOMBSTONE
      yield { left: isDeleted ? null : entry, right: await below.get(entry.key) }
    }
  }

  async #write(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (cause) {
      throw new UnionBeeError('UNION_BEE_SOURCE_FAILED', 'the top could not be written', {
        cause,
        source: TOP
      })
    }
  }

  #writable(key: K): K {
    this.#refuse()
    return this.core.keys.check(key)
  }

  #refuse(): void {
    if (this.closing !== null) throw new UnionBeeError('UNION_BEE_CLOSED', 'the overlay is closed')
  }
}

/** Writes that reach the top together. */
export class OverlayBatch<K extends Key = string, V = unknown> {
  readonly #batch: BatchLike<K, V>
  readonly #check: (key: K) => K

  /** @internal */
  constructor(batch: BatchLike<K, V>, check: (key: K) => K) {
    this.#batch = batch
    this.#check = check
  }

  async put(key: K, value: V): Promise<void> {
    await this.#batch.put(this.#check(key), value)
  }

  async del(key: K): Promise<void> {
    await this.#batch.put(this.#check(key), TOMBSTONE as V)
  }

  /** Commits the batch; afterwards it is closed. */
  async flush(): Promise<void> {
    await this.#batch.flush()
  }

  /** Drops the batch. */
  async close(): Promise<void> {
    await this.#batch.close()
  }
}

/** A writable top over one or more read-only layers. @throws UnionBeeError `UNION_BEE_NOT_WRITABLE`, `UNION_BEE_BAD_ARGUMENT` */
export function createOverlay<K extends Key = string, V = unknown>(
  options: OverlayOptions<K, V>
): Overlay<K, V> {
  return new Overlay(options)
}

async function copy<K, V>(entries: AsyncIterable<Entry<K, V>>, into: WritableBeeLike<K, V>): Promise<void> {
  let batch = into.batch()
  let count = 0
  try {
    for await (const { key, value } of entries) {
      await batch.put(key, value)
      if (++count % FOLD_LENGTH > 0) continue
      await batch.flush()
      batch = into.batch()
    }
    await batch.flush()
  } catch (error) {
    await batch.close()
    throw error
  }
}
