import b4a from 'b4a'
import type { Base, Write } from '../engine/requests.ts'
import { MultiBeeError } from '../errors.ts'
import { document, type Keyspace } from '../keyspace.ts'
import { MAX_DEPTH } from '../merge/canonical-json.ts'
import { pathNames, pathOf } from '../merge/path.ts'
import { alternatives } from '../merge/show.ts'
import type { Value } from '../merge/transaction.ts'
import type { Conflict, EncodingOptions, EntryStream, HistoryEntry, KeyRange } from '../types.ts'
import { Batch } from './batch.ts'
import { BeeReader, boundsOf, toEntry } from './bee-reader.ts'
import { baseIn } from './entry-base.ts'
import { EntryWatcher } from './entry-watcher.ts'
import { history, type HistoryOptions } from './history.ts'
import { deviceName } from './open-database.ts'
import { BeeSnapshot } from './snapshot.ts'
import { streamOf } from './streams.ts'
import { Watcher } from './watcher.ts'
import type { DelOptions, PutOptions } from './write-options.ts'

/**
 * Hyperbee's interface over one keyspace, with what many writers need besides: `update`, `conflicts`, `resolve`.
 */
export abstract class BeeEditor<K, V> extends BeeReader<K, V> {
  /** @internal The last `update` of each key, by its bytes in hex: a database and its subs share them. */
  readonly updates: Map<string, Promise<unknown>>

  constructor(keyspace: Keyspace, updates: Map<string, Promise<unknown>> = new Map()) {
    super(keyspace)
    this.updates = updates
  }

  /**
   * Makes the key show this value. Of a `json` value only what differs from what is shown (or from `base`) is written, so another
   * device's edit of other fields lives. The same value again writes nothing. The caller's object is not kept.
   *
   * @returns once it survives a killed process; puts that are pending together share one block
   * @throws MultiBeeError `MULTI_BEE_CLOSED`, `MULTI_BEE_NOT_WRITABLE`, `MULTI_BEE_BAD_KEY`, `MULTI_BEE_BAD_VALUE`,
   * `MULTI_BEE_TOO_LARGE`, `MULTI_BEE_BAD_BASE`, `MULTI_BEE_STORE_FAILED` (it may be stored all the same)
   */
  async put(key: K, value?: V, options: PutOptions<K, V> = {}): Promise<void> {
    await this.#write(this.putWrite(key, value, options, baseIn(options)))
  }

  /**
   * Removes what this device has seen of the key. An edit that another device made meanwhile survives, and `conflicts` then lists
   * the deletion (unless the database was created with `deleteWins`).
   *
   * @throws MultiBeeError as {@link put}
   */
  async del(key: K, options: DelOptions<K, V> = {}): Promise<void> {
    await this.#write(this.delWrite(key, options, baseIn(options)))
  }

  /**
   * Reads, changes and writes one key, against what was read. Updates of one key follow one another.
   *
   * @param change - gets the value (`null` when absent), returns the next; `undefined` leaves it as it is
   * @throws MultiBeeError as {@link put}; what `change` throws
   */
  async update(
    key: K,
    change: (value: V | null) => V | undefined | Promise<V | undefined>,
    options: EncodingOptions = {}
  ): Promise<void> {
    if (typeof change !== 'function')
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`change` is a function')
    const keyspace = this.keyspace.with(options)
    const bytes = keyspace.encodeKey(key)
    const id = b4a.toString(bytes, 'hex')
    const update = async (): Promise<void> => {
      await this.updates.get(id)
      const database = await this.database()
      const { base } = database.engine
      const shown = await database.view.get(bytes, base.version)
      const next = await change(shown === null ? null : toEntry<K, V>(shown, keyspace, null).value)
      // The caller's key may have changed meanwhile.
      if (next !== undefined) await this.#write({ ...this.putWrite(key, next, options, base), key: bytes })
    }
    const turn = update()
    const settled = turn.catch(() => {})
    this.updates.set(id, settled)
    try {
      await turn
    } finally {
      if (this.updates.get(id) === settled) this.updates.delete(id)
    }
  }

  /** A batch: one transaction, all or nothing on every device, made against what is shown at its first operation. */
  batch(options?: EncodingOptions): Batch<K, V> {
    return new Batch(this, options)
  }

  /** The database as it is now, read-only. */
  snapshot(options?: EncodingOptions): BeeSnapshot<K, V> {
    return new BeeSnapshot<K, V>(this, null, options)
  }

  /**
   * The database as it was at a version of this device's view, read-only.
   *
   * @throws MultiBeeError `MULTI_BEE_VERSION_GONE` on the first read when the view was rebuilt since
   */
  checkout(version: number, options?: EncodingOptions): BeeSnapshot<K, V> {
    return new BeeSnapshot<K, V>(this, version, options)
  }

  /**
   * What lost against what is shown, by path. Empty when nobody disagrees.
   *
   * @throws MultiBeeError `MULTI_BEE_CLOSED`, `MULTI_BEE_BAD_KEY`
   */
  async conflicts(key: K, options?: EncodingOptions): Promise<Conflict[]> {
    const keyspace = this.keyspace.with(options)
    const bytes = keyspace.encodeKey(key)
    const { engine, view } = await this.database()
    const [stored] = await view.load([bytes])
    if (stored == null) return []
    const { writers, membership } = engine.state
    return Array.from(alternatives(stored.register, writers), ({ path, value, dot, shown }) => ({
      path: pathNames(path),
      value: value === null ? undefined : keyspace.decodeValue(value),
      deleted: value === null,
      writer: writers.keyOf(dot.writer),
      device: deviceName(membership, dot.writer),
      time: dot.ms,
      shown: {
        value: keyspace.decodeValue(shown.value),
        writer: writers.keyOf(shown.dot.writer),
        device: deviceName(membership, shown.dot.writer),
        time: shown.dot.ms
      }
    }))
  }

  /**
   * Decides a conflict: what is at and below the path becomes this value, whatever this device has seen there.
   *
   * @param path - field names; `[]` is the entry itself
   * @param value - `undefined` removes it
   * @throws MultiBeeError as {@link put}; `MULTI_BEE_BAD_ARGUMENT` for a path that is no array of strings
   */
  async resolve(key: K, path: readonly string[], value: unknown, options?: EncodingOptions): Promise<void> {
    if (!Array.isArray(path) || path.length > MAX_DEPTH || !path.every((name) => typeof name === 'string')) {
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'a path is an array of field names')
    }
    const keyspace = this.keyspace.with(options)
    if (path.length > 0 && keyspace.valueEncoding !== 'json') {
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'only json values have paths')
    }
    let next: Value | null = null
    if (value !== undefined) next = path.length === 0 ? keyspace.encodeValue(value) : document(value)
    // With the way to it, it has to fit into an entry: other devices would not read what does not.
    if (path.length > 0)
      keyspace.encodeValue(path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value ?? null))
    await this.#write({
      key: keyspace.encodeKey(key),
      intent: { type: 'resolve', path: pathOf(path), value: next },
      base: null,
      compare: null
    })
  }

  /** Tells when something in a range changes: yields `[current, previous]` snapshots. */
  watch(range: KeyRange<K> = {}, options?: EncodingOptions): Watcher<K, V> {
    const keyspace = this.keyspace.with(options)
    return new Watcher<K, V>(this, keyspace.encodeRange(boundsOf(range)), options)
  }

  /** Follows one entry: `watcher.node` is its state, `update` is emitted when it changes. */
  async getAndWatch(key: K, options?: EncodingOptions): Promise<EntryWatcher<K, V>> {
    const watcher = new EntryWatcher<K, V>(this, key, options)
    await watcher.ready()
    return watcher
  }

  /**
   * All operations that count, from all devices' logs, in canonical order.
   * Cost: reads the logs from the start; with `reverse` it holds the last `limit` operations in memory, all of them without a limit.
   */
  createHistoryStream(options: HistoryOptions<K> = {}): EntryStream<HistoryEntry<K>> {
    return streamOf(history<K>(this, { ...options }))
  }

  /** @internal */
  putWrite(key: K, value: V | undefined, { cas, ...options }: PutOptions<K, V>, base: Base | null): Write {
    checkCas(cas)
    const keyspace = this.keyspace.with(options)
    const next = keyspace.encodeValue(value)
    const compare: Write['compare'] =
      cas == null
        ? null
        : async (previous, version) => {
            if (previous === null) return true
            const bytes = keyspace.encodeKey(key)
            const before = toEntry<K, V>({ key: bytes, ...previous }, keyspace, null)
            return cas(before, { seq: version, key, value: value as V })
          }
    return { key: keyspace.encodeKey(key), intent: { type: 'put', value: next }, base, compare }
  }

  /** @internal */
  delWrite(key: K, { cas, ...options }: DelOptions<K, V>, base: Base | null): Write {
    checkCas(cas)
    const keyspace = this.keyspace.with(options)
    const bytes = keyspace.encodeKey(key)
    const compare: Write['compare'] =
      cas == null
        ? null
        : async (previous) =>
            previous !== null && cas(toEntry<K, V>({ key: bytes, ...previous }, keyspace, null))
    return { key: bytes, intent: { type: 'del' }, base, compare }
  }

  async #write(write: Write): Promise<void> {
    const { engine } = await this.database()
    await engine.submit({ type: 'write', writes: [write], atomic: false })
  }
}

function checkCas(cas: unknown): void {
  if (cas !== undefined && cas !== null && typeof cas !== 'function')
    throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`cas` is a function')
}
