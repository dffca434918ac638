import b4a from 'b4a'
import { MultiBeeError } from '../errors.ts'
import { CachedViewStore } from './cached-view-store.ts'
import { keyId } from './key-id.ts'
import { Layer, pendingEntries, recordAt, writesOf } from './layer.ts'
import { decodeRecord, recordShown, recordVersion, type Stored } from './record.ts'
import { entryOf, type ShownEntry } from './shown-entry.ts'
import { currentKey, currentRange, historyRange, keyOfCurrent, STATE_KEY } from './view-keys.ts'
import type { ByteRange, ViewStore, ViewStoreSnapshot } from './view-store.ts'

const CACHE_BYTES = 16 * 1024 * 1024

/** Entries of the layers that are handed out at once. */
const BATCH_ENTRIES = 256

/**
 * What every key shows, at every version since the view's floor.
 *
 * Changes are visible at once and written in batches, each with the state it brings the store to; a crash between loses only what
 * the logs replay. A written version stays readable: the record it replaces moves aside. Owns the store.
 */
export class View {
  readonly #store: CachedViewStore
  #active = new Layer()
  #flushing: Layer | null = null
  #writing: Promise<void> | null = null
  #isClosing = false

  /** @param cacheBytes - memory for what was last read */
  constructor(store: ViewStore, cacheBytes: number = CACHE_BYTES) {
    this.#store = new CachedViewStore(store, cacheBytes)
  }

  /** @returns the state that was last written, or `null` for a new view */
  async open(): Promise<Uint8Array | null> {
    await this.#store.open()
    const [state = null] = await this.#store.getMany([STATE_KEY])
    // Every write brings a state.
    if (state === null) this.#store.noteEmpty()
    return state
  }

  /** Empties the store. Nothing may be on its way to it. */
  async clear(): Promise<void> {
    await this.#store.clear()
    this.#store.noteEmpty()
  }

  get isDirty(): boolean {
    return this.#active.keys.size > 0 || this.#flushing !== null
  }

  get isFull(): boolean {
    return this.#active.isFull
  }

  /** The newest record of each key, in order. One round trip for those not in memory. */
  async load(keys: readonly Uint8Array[]): Promise<(Stored | null)[]> {
    const ids = keys.map(keyId)
    const found: (Stored | null | undefined)[] = ids.map((id) => this.#newestPending(id))
    const missing = keys.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found.map((stored) => stored ?? null)
    const records = await this.#store.getMany(missing.map(currentKey))
    let next = 0
    return found.map((stored, i) => {
      if (stored !== undefined) return stored
      const record = records[next++] ?? null
      // A change may have come in meanwhile.
      const newer = this.#newestPending(ids[i] as string)
      return newer ?? (record === null ? null : decodeRecord(record))
    })
  }

  /** The newest record of a key if it is in memory; `undefined` if the store has to be asked. Synchronous. */
  newestPending(key: Uint8Array): Stored | undefined {
    return this.#newestPending(keyId(key))
  }

  /**
   * Makes a change visible. Synchronous.
   *
   * @param prior - the newest record of the key so far
   */
  install(key: Uint8Array, stored: Stored, prior: Stored | null): void {
    const id = keyId(key)
    const pending = this.#active.keys.get(id)
    if (pending === undefined) this.#active.keys.set(id, { key, prior, records: [stored] })
    else if (pending.records.at(-1)?.version === stored.version)
      pending.records[pending.records.length - 1] = stored
    else pending.records.push(stored)
    this.#active.bytes += key.byteLength + 64 + (stored.shown?.bytes.byteLength ?? 0)
    for (const { value } of stored.register.elements) this.#active.bytes += value?.bytes.byteLength ?? 0
  }

  /** The whole record of a key at a version; `null` when there was none. */
  async recordAt(key: Uint8Array, version: number): Promise<Stored | null> {
    const pending = this.#pendingAt(key, version)
    if (pending !== undefined) return pending
    const [record] = await this.#store.getMany([currentKey(key)])
    if (record == null) return null
    if (recordVersion(record) <= version) return decodeRecord(record)
    // Not before: what moves aside while the current record is read must be in it.
    const snapshot = this.#store.snapshot()
    try {
      const record = await olderRecord(snapshot, key, version)
      return record === null ? null : decodeRecord(record)
    } finally {
      await snapshot.release()
    }
  }

  /** What a key shows at a version; `null` when absent. One seek, two when the key has changed since. */
  async get(key: Uint8Array, version: number): Promise<ShownEntry | null> {
    const pending = this.#pendingAt(key, version)
    if (pending !== undefined) return pending === null ? null : entryOf(key, pending)
    const [record] = await this.#store.getMany([currentKey(key)])
    if (record == null) return null
    const current = recordShown(record)
    if (current.version <= version) return entryOf(key, current)
    const snapshot = this.#store.snapshot()
    try {
      return await olderEntry(snapshot, key, version)
    } finally {
      await snapshot.release()
    }
  }

  /** Entries of a range at a version, in byte order of keys. Cost as {@link batches}. */
  async *entries(range: ByteRange, version: number, reverse: boolean): AsyncGenerator<ShownEntry> {
    for await (const entries of this.batches(range, version, reverse)) yield* entries
  }

  /**
   * Entries of a range at a version, in byte order of keys, as many at a time as are at hand.
   * Memory: the unwritten keys of the range, and two batches of the store's.
   *
   * @param wanted - how many will be read, if that is known
   */
  async *batches(
    range: ByteRange,
    version: number,
    reverse: boolean,
    wanted: number = Infinity
  ): AsyncGenerator<ShownEntry[]> {
    const snapshot = this.#store.snapshot()
    const pending = pendingEntries([this.#active, this.#flushing], range, version, reverse)
    const rows = snapshot.iterate(currentRange(range), { reverse, batch: wanted })
    try {
      let next = pending.next()
      for await (const batch of rows) {
        const shown: ShownEntry[] = []
        for (const { key: stored, value: record } of batch) {
          const key = keyOfCurrent(stored)
          let replaced = false
          while (!next.done && !replaced) {
            const order = b4a.compare(next.value.key, key) * (reverse ? -1 : 1)
            if (order > 0) break
            replaced = order === 0
            if (next.value.shown !== null) shown.push(next.value.shown)
            next = pending.next()
          }
          if (replaced) continue
          const current = recordShown(record)
          const entry =
            current.version <= version ? entryOf(key, current) : await olderEntry(snapshot, key, version)
          if (entry !== null) shown.push(entry)
        }
        if (shown.length > 0) yield shown
      }
      while (!next.done) {
        const shown: ShownEntry[] = []
        for (; !next.done && shown.length < BATCH_ENTRIES; next = pending.next())
          if (next.value.shown !== null) shown.push(next.value.shown)
        if (shown.length > 0) yield shown
      }
    } catch (cause) {
      if (cause instanceof MultiBeeError) throw cause
      const code = this.#isClosing ? 'MULTI_BEE_CLOSED' : 'MULTI_BEE_STORE_FAILED'
      throw new MultiBeeError(code, 'the view could not be read to the end', { cause })
    } finally {
      await snapshot.release()
    }
  }

  /**
   * Starts a new layer and writes the finished ones.
   *
   * @param state - asked at the moment the layer is closed: what the store says of itself with it written
   * @throws MultiBeeError `MULTI_BEE_STORE_FAILED`; nothing is lost, the next flush tries again
   */
  async flush(state: () => Uint8Array): Promise<void> {
    while (this.#writing !== null) await this.#writing.catch(() => {})
    if (this.#flushing !== null) await this.#write(this.#flushing)
    this.#active.state = state()
    this.#flushing = this.#active
    this.#active = new Layer()
    await this.#write(this.#flushing)
  }

  async settle(): Promise<void> {
    await this.#store.settle()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#writing?.catch(() => {})
    await this.#store.close()
  }

  async #write(layer: Layer): Promise<void> {
    this.#writing = this.#store.write(writesOf(layer))
    try {
      await this.#writing
      this.#flushing = null
    } catch (cause) {
      throw new MultiBeeError(
        'MULTI_BEE_STORE_FAILED',
        'the view could not be written; its changes are still in the logs',
        { cause }
      )
    } finally {
      this.#writing = null
    }
  }

  #newestPending(id: string): Stored | undefined {
    return (this.#active.keys.get(id) ?? this.#flushing?.keys.get(id))?.records.at(-1)
  }

  /** `undefined` when the layers do not say what the key was at that version. */
  #pendingAt(key: Uint8Array, version: number): Stored | null | undefined {
    const id = keyId(key)
    return recordAt([this.#active.keys.get(id), this.#flushing?.keys.get(id)], version)
  }
}

async function olderEntry(
  snapshot: ViewStoreSnapshot,
  key: Uint8Array,
  version: number
): Promise<ShownEntry | null> {
  const record = await olderRecord(snapshot, key, version)
  return record === null ? null : entryOf(key, recordShown(record))
}

/** The newest of a key's replaced records at or before a version. */
async function olderRecord(
  snapshot: ViewStoreSnapshot,
  key: Uint8Array,
  version: number
): Promise<Uint8Array | null> {
  for await (const [row] of snapshot.iterate(historyRange(key, version), { limit: 1 }))
    return row?.value ?? null
  return null
}
