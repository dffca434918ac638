import { UnionBeeError } from './errors.ts'
import { differences } from './merge/differences.ts'
import { mapped } from './merge/deferred-reader.ts'
import { GeneratorReader } from './merge/generator-reader.ts'
import { history, type HistoryOptions } from './merge/history.ts'
import { lookup } from './merge/lookup.ts'
import type { BatchReader } from './merge/merge-reader.ts'
import type { UnionStream } from './merge/union-stream.ts'
import { partial } from './partial.ts'
import type { Found } from './sources/nested.ts'
import type { Answer, DiffEntry, Entry, HistoryEntry, Key, KeyRange, ReadStreamOptions } from './types.ts'
import { scan } from './union-core.ts'
import { ViewBase } from './view-base.ts'
import { EntryWatcher } from './watch/entry-watcher.ts'
import { UnionWatcher } from './watch/union-watcher.ts'
import type { Comparison } from './watch/watchable.ts'

/**
 * The reading half of Hyperbee's interface, over the sources of a union, or those of its keys that begin with a prefix. A snapshot and a
 * sub are views too. A view borrows what it reads; a snapshot owns its pins.
 */
export class UnionView<K extends Key = string, V = unknown> extends ViewBase<K, V> {
  /**
   * Reads one key.
   *
   * @returns `null` when the key is absent. An answer that sources were left out of has `skipped`
   * @throws UnionBeeError `UNION_BEE_PARTIAL` when nothing was found and a source was left out that might have it; `UNION_BEE_CLOSED`,
   * `UNION_BEE_BAD_KEY`, `UNION_BEE_BAD_KEY_ENCODING`, `UNION_BEE_SOURCE_FAILED`, `UNION_BEE_SOURCE_TIMEOUT`, `UNION_BEE_RESOLVER_FAILED`
   */
  async get(key: K): Promise<Entry<K, V> | null> {
    if (this.mustOpen()) await this.basis.ready()
    const { core } = this.basis
    const { entry, skipped } = await lookup(core.sources, this.outer(key), core.resolve)
    if (skipped.length > 0) return partial(entry === null ? null : this.inner(entry), skipped)
    return entry === null || this.prefix === null ? entry : this.inner(entry)
  }

  /**
   * As {@link get}, but tells which source answered, and says what was left out instead of refusing.
   *
   * @throws UnionBeeError as {@link get}, without `UNION_BEE_PARTIAL`
   */
  async lookup(key: K): Promise<Answer<K, V>> {
    const { entry, source, skipped } = await this.found(key)
    return { entry, source, skipped }
  }

  /** @internal */
  async found(key: K): Promise<Found<K, V>> {
    if (this.mustOpen()) await this.basis.ready()
    const { core } = this.basis
    const found = await lookup(core.sources, this.outer(key), core.resolve)
    return { ...found, entry: found.entry && this.inner(found.entry) }
  }

  /** Whether the key is there. @throws UnionBeeError as {@link get} */
  async has(key: K): Promise<boolean> {
    return (await this.get(key)) !== null
  }

  /** The first entry of a range, or with `reverse` the last. @throws UnionBeeError as {@link get} */
  async peek(
    range: ReadStreamOptions<K> = {},
    options: ReadStreamOptions<K> = {}
  ): Promise<Entry<K, V> | null> {
    const stream = this.createReadStream(range, { ...options, limit: 1 })
    for await (const entry of stream)
      return stream.skipped.length > 0 ? partial(entry, stream.skipped) : entry
    return stream.skipped.length > 0 ? partial<Entry<K, V>>(null, stream.skipped) : null
  }

  /**
   * Entries in byte order of their keys, each key once. Local sources are read as they were when the stream was made, others as they are
   * when the scan reaches them: a {@link snapshot} pins all. Memory: what the sources' streams buffer, and one batch of 64.
   *
   * @throws UnionBeeError through the stream: as {@link get}, and `UNION_BEE_OUT_OF_ORDER`; `UNION_BEE_BAD_KEY` at once
   */
  createReadStream(
    range: ReadStreamOptions<K> = {},
    options: ReadStreamOptions<K> = {}
  ): UnionStream<Entry<K, V>> {
    const { reverse = false, limit = -1, ...ends } = { ...options, ...range }
    if (typeof limit !== 'number' || Number.isNaN(limit))
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', '`limit` is a number')
    const bounds = this.bounds(ends)
    const most = limit === -1 ? Infinity : limit
    const read = (): BatchReader<Entry<K, V>> => {
      const reader = scan(this.core, bounds, reverse, most)
      return this.prefix === null ? reader : mapped(reader, (entry) => this.inner(entry))
    }
    return this.stream(read)
  }

  /**
   * The sources' histories, one source after the other in order of precedence, each in its own order.
   *
   * @throws UnionBeeError through the stream: `UNION_BEE_UNSUPPORTED` when a source has none, and as {@link get}
   */
  createHistoryStream(options: HistoryOptions = {}): UnionStream<HistoryEntry<K, V>> {
    return this.stream(
      () => new GeneratorReader((reading) => history(this.core, this.prefix, options, reading))
    )
  }

  /**
   * Entries that differ between this view (`left`) and another of the same union (`right`), in byte order of keys. Cost: what the sources'
   * own diffs cost, and two lookups a key; when sources were added, removed or reordered in between, a scan of both; of a source whose core was truncated,
   * a scan of that.
   *
   * @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT`; through the stream as {@link createReadStream}
   */
  createDiffStream(
    other: UnionView<K, V>,
    range: ReadStreamOptions<K> = {},
    options: ReadStreamOptions<K> = {}
  ): UnionStream<DiffEntry<K, V>> {
    if (!(other instanceof UnionView))
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the other side is a snapshot of this union')
    if (!this.isSamePart(other))
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the other side has another prefix')
    const { limit = -1, ...ends } = { ...options, ...range }
    const bounds = this.bounds(ends)
    return this.stream(
      () => new GeneratorReader((reading) => differences(this, other, { bounds, limit }, reading))
    )
  }

  /** @internal Of a snapshot with an earlier one, for a watcher. */
  async compare(earlier: UnionView<K, V>, range: KeyRange<K>): Promise<Comparison> {
    const wanted = { bounds: this.bounds(range), limit: 1, showsFound: true }
    const stream = this.stream(
      () => new GeneratorReader((reading) => differences(this, earlier, wanted, reading))
    )
    for await (const _ of stream) return 'differ'
    return stream.skipped.length > 0 ? 'partial' : 'same'
  }

  /**
   * A view of what is shown now, whatever is written later or done to the sources. Pins all sources in one turn of the event loop: at once
   * when all are open, otherwise when it opens. Close it when done.
   *
   * @throws UnionBeeError `UNION_BEE_CLOSED`; `UNION_BEE_UNSUPPORTED`, at once or when it opens
   */
  snapshot(): UnionView<K, V> {
    this.refuseClosed()
    return new UnionView(this.basis, this.prefix, true)
  }

  /**
   * The keys that a Hyperbee's sub of this prefix would have, without the prefix. Closing it closes nothing else.
   *
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_BAD_KEY`
   */
  sub(prefix: K): UnionView<K, V> {
    this.refuseClosed()
    const { keys } = this.core
    return new UnionView(this.basis, this.outer(keys.subPrefix(keys.check(prefix))))
  }

  /**
   * Yields `[current, previous]` snapshots whenever what is shown of the range has changed, also by a source that was added, removed or
   * moved. Both are closed at the next step.
   *
   * @throws UnionBeeError when it opens: `UNION_BEE_UNSUPPORTED` when a source cannot be watched and is not `immutable`
   */
  watch(range: KeyRange<K> = {}): UnionWatcher<K, V, UnionView<K, V>> {
    this.refuseClosed()
    return new UnionWatcher<K, V, UnionView<K, V>>(this, this.bounds(range), range)
  }

  /** Follows one key: `node` is its entry, and `update` is emitted after it has changed. @throws UnionBeeError as {@link watch} and {@link get} */
  async getAndWatch(key: K): Promise<EntryWatcher<K, V>> {
    this.refuseClosed()
    const outer = { key: this.outer(key), inclusive: true }
    const watcher = new EntryWatcher<K, V>(this, key, { lower: outer, upper: outer })
    await watcher.ready()
    return watcher
  }
}
