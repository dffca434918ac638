import { UnionBeeError } from './errors.ts'
import { keysOf } from './keys/keys.ts'
import { byPrecedence, type Resolve } from './resolve.ts'
import { checkPolicy } from './sources/check-source.ts'
import { SourceList } from './sources/source-list.ts'
import type { BeeLike, Key, Policy, Source, SourceStatus, TimerLike } from './types.ts'
import { closeReaders, stopReading, type UnionCore } from './union-core.ts'
import { UnionView } from './union-view.ts'

export interface UnionBeeOptions<K = string, V = unknown> {
  /** How keys compare and what type they have; that of every source. @defaultValue 'utf-8' */
  keyEncoding?: 'utf-8' | 'binary'
  /** Decides between equal keys. Asked when two or more sources have one. @defaultValue {@link byPrecedence} */
  resolve?: Resolve<K, V>
  /** No key is in two sources, as in shards: a lookup asks the cheapest first and ends at the first hit. @defaultValue false */
  disjoint?: boolean
  /** @defaultValue 'fail' */
  policy?: Policy
  /** Longest silence of a source, in ms. @defaultValue no limit */
  timeoutMs?: number
  /** @defaultValue those of the platform */
  timer?: TimerLike
}

/**
 * One read view over any number of bees. A bee that it is given it borrows: it reads it, and never writes to it or closes it. What it opens
 * by a source's function it closes too. Opening the union does no I/O; a source is opened when a read first needs it.
 *
 * @example
 * ```ts
 * await using union = new UnionBee([phone, { bee: openShard, cost: 10, range: { lt: '2026' } }])
 * const entry = await union.get('2025-06-01')
 * ```
 */
export class UnionBee<K extends Key = string, V = unknown> extends UnionView<K, V> {
  readonly #sources: SourceList<K, V>

  /**
   * @param sources - in order of precedence; at least one
   * @throws UnionBeeError `UNION_BEE_NO_SOURCES`, `UNION_BEE_BAD_ARGUMENT`
   */
  constructor(
    sources: Iterable<BeeLike<K, V> | Source<K, V>>,
    {
      keyEncoding = 'utf-8',
      resolve = byPrecedence,
      disjoint = false,
      policy = 'fail',
      timeoutMs,
      timer
    }: UnionBeeOptions<K, V> = {}
  ) {
    const keys = keysOf<K>(keyEncoding)
    checkPolicy(policy)
    const list = new SourceList<K, V>({ keys, keyEncoding, policy, timeoutMs, timer }, disjoint)
    list.replace(Array.from(sources, (source) => list.handle(source)))
    const core: UnionCore<K, V> = {
      sources: list,
      keys,
      resolve,
      streams: new Set(),
      watchers: new Set(),
      closed: false
    }
    super({ core, isReady: true, ready: () => Promise.resolve() })
    this.#sources = list
  }

  /** In order of precedence. */
  get sources(): readonly SourceStatus[] {
    return this.#sources.handles.map(({ status }) => status)
  }

  /**
   * Adds a source. Streams that are open go on without it.
   *
   * @param at - its place in the order of precedence: 0 is first. Last when left out
   * @returns its name
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_BAD_ARGUMENT`
   */
  add(source: BeeLike<K, V> | Source<K, V>, { at }: { at?: number } = {}): string {
    this.refuseClosed()
    const handle = this.#sources.handle(source)
    const { handles } = this.#sources
    this.#sources.replace(handles.toSpliced(at ?? handles.length, 0, handle))
    return handle.name
  }

  /**
   * Takes a source away. Streams that are open go on with it. Resolves when the union is done with it: a bee it has opened is closed then,
   * and a borrowed one may be.
   *
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_UNKNOWN_SOURCE`, `UNION_BEE_NO_SOURCES`
   */
  async remove(name: string): Promise<void> {
    this.refuseClosed()
    const handle = this.#sources.named(name)
    this.#sources.replace(this.#sources.handles.filter((other) => other !== handle))
    await this.#sources.retire(handle)
  }

  /**
   * Changes the order of precedence.
   *
   * @param names - of all sources, each once
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_UNKNOWN_SOURCE`, `UNION_BEE_BAD_ARGUMENT`
   */
  reorder(names: readonly string[]): void {
    this.refuseClosed()
    if (names.length !== this.#sources.handles.length)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'an order names all sources')
    this.#sources.replace(names.map((name) => this.#sources.named(name)))
  }

  /** Ends all reads, streams and watchers, then closes what it has opened. Waits for no source that is silent. */
  override close(): Promise<void> {
    if (this.closing === null) stopReading(this.core)
    return super.close()
  }

  protected override async _close(): Promise<void> {
    await this.finish()
    await closeReaders(this.core)
    await this.#sources.close()
  }

  /** What is to be done before the sources are closed. */
  protected finish(): Promise<void> {
    return Promise.resolve()
  }
}
