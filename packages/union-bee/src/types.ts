/** Keys are text (`utf-8`) or bytes (`binary`). */
export type Key = string | Uint8Array

/** One key and its value, as Hyperbee returns it. */
export interface Entry<K = string, V = unknown> {
  /** Position in the source's own core, in blocks. Says nothing about order between sources. */
  seq: number
  key: K
  value: V
  /** Of `get` and `peek`: sources that matter and were left out. Absent: the answer is complete. */
  skipped?: readonly Skipped[]
}

/** Bounds of a read, in byte order of encoded keys. */
export interface KeyRange<K = string> {
  gt?: K
  gte?: K
  lt?: K
  lte?: K
}

export interface ReadStreamOptions<K = string> extends KeyRange<K> {
  /** @defaultValue false */
  reverse?: boolean
  /** Most entries; -1 is no limit. @defaultValue -1 */
  limit?: number
}

/** Turns values into bytes and back, as `abstract-encoding` and `codecs` have it. */
export interface ValueCodec {
  encode(value: never): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** How values become bytes: a name that `codecs` knows, or a codec. */
export type ValueEncoding = 'json' | 'utf-8' | 'binary' | 'ascii' | ValueCodec

/** What a union passes on with a read. A source may ignore all but `reverse` and `limit`, unless it is a layer. */
export interface SourceReadOptions {
  reverse?: boolean
  limit?: number
  valueEncoding?: ValueCodec
}

/** Two versions of one key: `left` as the reader has it, `right` as the other. */
export interface DiffEntry<K = string, V = unknown> {
  left: Entry<K, V> | null
  right: Entry<K, V> | null
}

/** One step of a source's history, and which source it is. Of what kind depends on the source. */
export interface HistoryEntry<K = string, V = unknown> extends Entry<K, V> {
  type: 'put' | 'del'
  source: string
}

/** A watcher of a source: a step for each change. */
export interface WatcherLike extends AsyncIterable<unknown> {
  ready?(): Promise<void>
  close(): Promise<void>
}

/**
 * The part of a Hyperbee a union reads. Structural: a snapshot, a checkout, a sub, a MultiBee, another union, or a test double fits too.
 * `get` and `createReadStream` are all that is needed; without the rest a union refuses what rests on it.
 */
export interface BeeLike<K = string, V = unknown> {
  get(key: K, options?: SourceReadOptions): Promise<Entry<K, V> | null>
  /** Entries in byte order of keys. */
  createReadStream(range?: KeyRange<K>, options?: SourceReadOptions): AsyncIterable<Entry<K, V>>
  readonly opened?: boolean
  ready?(): Promise<void>
  snapshot?(): BeeLike<K, V>
  watch?(range?: KeyRange<K>, options?: { valueEncoding?: ValueCodec }): WatcherLike
  createHistoryStream?(options?: SourceReadOptions): AsyncIterable<unknown>
  createDiffStream?(other: never, range?: KeyRange<K>, options?: SourceReadOptions): AsyncIterable<unknown>
  close?(): Promise<void>
}

/** What a top needs besides: a Hyperbee or a MultiBee fits. */
export interface WritableBeeLike<K = string, V = unknown> extends BeeLike<K, V> {
  put(key: K, value: V, options?: { valueEncoding?: ValueCodec }): Promise<unknown>
  del(key: K, options?: { valueEncoding?: ValueCodec }): Promise<unknown>
  batch(options?: { valueEncoding?: ValueCodec }): BatchLike<K, V>
}

export interface BatchLike<K = string, V = unknown> {
  get(key: K): Promise<Entry<K, V> | null>
  put(key: K, value: V): Promise<unknown>
  del(key: K): Promise<unknown>
  flush(): Promise<unknown>
  close(): Promise<unknown>
  lock?(): Promise<unknown>
}

/** Whether a key may be in a source; never false for one that is there. A Bloom filter of `bloom-filters` fits. */
export interface KeyFilter<K = string> {
  has(key: K): boolean
}

/** What happens when a source fails, or is silent for `timeoutMs`: the read fails, or goes on without it and says so. */
export type Policy = 'fail' | 'degrade'

/** A bee in a union, and how to use it. */
export interface Source<K = string, V = unknown> {
  /**
   * The bee, which the union borrows; or how to open one when it is first needed. What the union has opened it also closes: when the source
   * is removed, or with the union.
   */
  bee: BeeLike<K, V> | (() => BeeLike<K, V> | Promise<BeeLike<K, V>>)
  /** What errors, answers and counts call it; no two alike, and no slash. @defaultValue `source-N`, counted from 0 */
  name?: string
  /** Mounts it: this prefix stands before all of its keys. @defaultValue none, its keys are as they are */
  prefix?: K
  /** Where its keys lie (before mounting). No key outside is ever asked of it. @defaultValue anywhere */
  range?: KeyRange<K>
  /** Asked before a lookup, with keys as the source has them: no request for a key it denies. Scans do not ask it. */
  filter?: KeyFilter<K>
  /**
   * What a read costs: 0 is local, and nothing is loaded ahead of a scan. A source that costs is opened no earlier than a read reaches its `range`. In a union of `disjoint`
   * sources the cheap are asked first.
   *
   * @defaultValue 0
   */
  cost?: number
  /** It never changes: a snapshot uses it as it is, and it is not watched. @defaultValue false */
  immutable?: boolean
  /** It may hide keys of the sources after it: its values are read as {@link tombstoneEncoding} writes them, over this encoding. */
  layer?: ValueEncoding
  /** @defaultValue that of the union */
  policy?: Policy
  /** Longest silence, in ms. @defaultValue that of the union */
  timeoutMs?: number
}

/** A source as answers and resolvers name it. */
export interface SourceInfo {
  readonly name: string
  readonly cost: number
}

/** How often a source was used since it was added. */
export interface SourceStatus extends SourceInfo {
  /** Whether a read has needed it yet. */
  opened: boolean
  /** Lookups and scans that were put to it. */
  asked: number
  /** Entries that came back. */
  answered: number
  /** Lookups and scans that its range, its mount or its filter spared it. */
  avoided: number
  failed: number
}

/** A source that an answer was given without. */
export interface Skipped {
  /** Its name; of a union among the sources after that one's and a slash. */
  readonly source: string
  readonly cause: unknown
}

/** What {@link UnionView.lookup} tells. */
export interface Answer<K = string, V = unknown> {
  /** `null`: no source that answered has the key. */
  entry: Entry<K, V> | null
  /** Whose it is; `null` when absent, or merged of several. */
  source: string | null
  /** Sources that matter to the answer and were left out. Empty: the answer is complete. */
  skipped: readonly Skipped[]
}

/** Timers, for tests that do not wait. */
export interface TimerLike {
  set(callback: () => void, ms: number): unknown
  clear(handle: unknown): void
}
