import ReadyResource from 'ready-resource'
import type { Base } from '../engine/requests.ts'
import { MultiBeeError } from '../errors.ts'
import type { Keyspace } from '../keyspace.ts'
import type { DiffEntry, EncodingOptions, Entry, EntryStream, KeyRange, ReadStreamOptions } from '../types.ts'
import type { ByteRange } from '../view/view-store.ts'
import type { ShownEntry } from '../view/shown-entry.ts'
import { rememberBase } from './entry-base.ts'
import { differences } from './differences.ts'
import type { OpenDatabase } from './open-database.ts'
import { streamOf, streamOfBatches } from './streams.ts'

/** What is read: a version, and what a write based on it has seen, if that is known. */
export interface ReadPoint {
  version: number
  base: Base | null
}

/**
 * The reading half of Hyperbee's interface, over one keyspace of a database at some version.
 * Subclasses say which database, and which version.
 */
export abstract class BeeReader<K, V> extends ReadyResource {
  /** @internal */
  readonly keyspace: Keyspace

  constructor(keyspace: Keyspace) {
    super()
    this.keyspace = keyspace
  }

  /** @internal The database if it is open already. */
  abstract openedDatabase(): OpenDatabase | null
  /** @internal Opens what is needed; refuses after close. */
  abstract database(): Promise<OpenDatabase>
  /** @internal The point a read that begins now reads at. */
  abstract readPoint(database: OpenDatabase): ReadPoint

  /**
   * Reads one key. Of a value only the shown form is decoded, by one seek.
   *
   * @returns `null` when the key is absent
   * @throws MultiBeeError `MULTI_BEE_CLOSED`, `MULTI_BEE_BAD_KEY`, `MULTI_BEE_TOO_LARGE`, `MULTI_BEE_DECODE_FAILED`
   */
  async get(key: K, options?: EncodingOptions): Promise<Entry<K, V> | null> {
    const keyspace = this.keyspace.with(options)
    const bytes = keyspace.encodeKey(key)
    const database = await this.database()
    const point = this.readPoint(database)
    const shown = await database.view.get(bytes, point.version)
    return shown === null ? null : toEntry(shown, keyspace, point.base)
  }

  /**
   * The first entry of a range, or with `reverse` the last.
   *
   * @throws MultiBeeError as {@link get}
   */
  async peek(range?: ReadStreamOptions<K>, options?: ReadStreamOptions<K>): Promise<Entry<K, V> | null> {
    for await (const [entry] of this.#batches(this.#plan({ ...options, ...range, limit: 1 })))
      return entry ?? null
    return null
  }

  /**
   * Entries in byte order of their keys, as they were when the stream was made. Memory: what is unwritten in the
   * range, and up to three batches of 256.
   *
   * @throws MultiBeeError `MULTI_BEE_BAD_KEY`, `MULTI_BEE_TOO_LARGE`, `MULTI_BEE_BAD_ARGUMENT`; through the stream as {@link get}
   */
  createReadStream(range?: ReadStreamOptions<K>, options?: ReadStreamOptions<K>): EntryStream<Entry<K, V>> {
    return streamOfBatches(this.#batches(this.#plan({ ...options, ...range })))
  }

  /**
   * Entries that differ between this reader (`left`) and another version of the same database (`right`), in byte order of keys.
   * Cost: passes all entries of the range on both sides.
   *
   * @param other - a version number, a snapshot or a checkout
   * @throws MultiBeeError as {@link createReadStream}; through the stream also `MULTI_BEE_VERSION_GONE`
   */
  createDiffStream(
    other: number | BeeReader<K, V>,
    range?: ReadStreamOptions<K>,
    options?: ReadStreamOptions<K>
  ): EntryStream<DiffEntry<K, V>> {
    return streamOf(this.#differences(other, this.#plan({ ...options, ...range })))
  }

  /** Takes over what the caller may change later, and pins the version, unless the database is still to be opened. */
  #plan({ reverse = false, limit = -1, ...options }: ReadStreamOptions<K>): ReadPlan {
    if (typeof limit !== 'number' || Number.isNaN(limit))
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`limit` is a number')
    const keyspace = this.keyspace.with(options)
    const range = keyspace.encodeRange(boundsOf(options))
    const open = this.openedDatabase()
    return {
      keyspace,
      range,
      reverse,
      limit: limit < 0 ? Infinity : limit,
      point: open === null ? null : this.readPoint(open)
    }
  }

  /** Entries are passed on in batches: a step of its own for each would cost more than reading it. */
  async *#batches({
    keyspace,
    range,
    reverse,
    limit,
    point
  }: ReadPlan): AsyncGenerator<readonly Entry<K, V>[]> {
    const database = await this.database()
    const { version, base } = point ?? this.readPoint(database)
    let left = limit
    if (left === 0) return
    for await (const shown of database.view.batches(range, version, reverse, limit)) {
      const wanted = left < shown.length ? shown.slice(0, left) : shown
      yield* decoded<K, V>(wanted, keyspace, base)
      left -= wanted.length
      if (left === 0) return
    }
  }

  async *#differences(
    other: number | BeeReader<K, V>,
    { keyspace, range, reverse, limit, point }: ReadPlan
  ): AsyncGenerator<DiffEntry<K, V>> {
    const database = await this.database()
    const here = (point ?? this.readPoint(database)).version
    const there = typeof other === 'number' ? other : await versionOf(other, database)
    checkVersion(there, database)
    let left = limit
    if (left === 0) return
    const { view } = database
    const entry = (shown: ShownEntry | null): Entry<K, V> | null =>
      shown === null ? null : toEntry(shown, keyspace, null)
    for await (const pair of differences(
      view.entries(range, here, reverse),
      view.entries(range, there, reverse),
      isSameVersion,
      reverse
    )) {
      yield { left: entry(pair.left), right: entry(pair.right) }
      if (--left === 0) return
    }
  }
}

/** A read as it was asked for. */
interface ReadPlan {
  keyspace: Keyspace
  range: ByteRange
  reverse: boolean
  limit: number
  /** `null`: as the database is once it has opened. */
  point: ReadPoint | null
}

/** The version another reader of the same database reads. */
async function versionOf(other: unknown, database: OpenDatabase): Promise<number> {
  if (other instanceof BeeReader && (await other.database()) === database)
    return other.readPoint(database).version
  throw new MultiBeeError(
    'MULTI_BEE_BAD_ARGUMENT',
    'the other side is a version number, or a snapshot or checkout of the same database'
  )
}

/** @throws MultiBeeError `MULTI_BEE_VERSION_GONE` for a version this build of the view does not reach back to */
export function checkVersion(version: number, { engine }: OpenDatabase): void {
  const { floor, version: newest } = engine.state
  if (!Number.isSafeInteger(version) || version < 0 || version > newest) {
    throw new MultiBeeError(
      'MULTI_BEE_BAD_ARGUMENT',
      `version ${version} does not exist; the newest is ${newest}`
    )
  }
  if (version < floor) {
    throw new MultiBeeError(
      'MULTI_BEE_VERSION_GONE',
      `version ${version} was lost when the view was rebuilt; the oldest is ${floor}`
    )
  }
}

export function toEntry<K, V>(
  { key, version, value }: ShownEntry,
  keyspace: Keyspace,
  base: Base | null
): Entry<K, V> {
  const entry = { seq: version, key: keyspace.decodeKey(key) as K, value: keyspace.decodeValue(value) as V }
  return base === null ? entry : rememberBase(entry, base)
}

/** The entries as one batch. What stands before one that does not decode is handed out first. */
function* decoded<K, V>(
  shown: readonly ShownEntry[],
  keyspace: Keyspace,
  base: Base | null
): Generator<readonly Entry<K, V>[]> {
  const entries: Entry<K, V>[] = []
  try {
    for (const one of shown) entries.push(toEntry(one, keyspace, base))
  } catch (error) {
    if (entries.length > 0) yield entries
    throw error
  }
  yield entries
}

/** The bounds among a caller's options. One that is `null` is open, as in Hyperbee. */
export function boundsOf<K>({ gt, gte, lt, lte }: KeyRange<K>): KeyRange<K> {
  return {
    ...(gt == null ? {} : { gt }),
    ...(gte == null ? {} : { gte }),
    ...(lt == null ? {} : { lt }),
    ...(lte == null ? {} : { lte })
  }
}

function isSameVersion(a: ShownEntry, b: ShownEntry): boolean {
  return a.version === b.version
}
