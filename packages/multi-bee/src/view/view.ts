import b4a from 'b4a'
import { MultiBeeError } from '../errors.ts'
import type { Value } from '../merge/transaction.ts'
import { decodeRecord, encodeRecord, recordShown, recordVersion, type Stored } from './record.ts'
import { currentKey, currentRange, historyKey, historyRange, keyOfCurrent, STATE_KEY } from './view-keys.ts'
import { isInRange } from './byte-range.ts'
import type { ByteRange, ViewStore, ViewStoreSnapshot, ViewWrite } from './view-store.ts'
import { keyId } from './key-id.ts'

/** Changed keys that are held in memory before they are written, and their bytes. */
const LAYER_KEYS = 8192
const LAYER_BYTES = 16 * 1024 * 1024

/** One entry as a reader sees it. */
export interface ShownEntry {
  key: Uint8Array
  version: number
  value: Value
}

interface PendingKey {
  key: Uint8Array
  /** The record in the store (or in the layer below) that the first of `records` replaces. */
  prior: Stored | null
  /** Ascending versions. */
  records: Stored[]
}

/** Changes that are not in the store yet. Frozen once `state` is set. */
class Layer {
  readonly keys = new Map<string, PendingKey>()
  bytes = 0
  /** What the store will say of itself with this layer written. */
  state: Uint8Array | null = null

  get isFull(): boolean {
    return this.keys.size >= LAYER_KEYS || this.bytes >= LAYER_BYTES
  }
}

/**
 * What every key shows, at every version since the view's floor.
 *
 * Changes are visible at once and written in batches, each with the state it brings the store to; a crash between loses only what
 * the logs replay. A written version stays readable: the record it replaces moves aside. Owns the store.
 */
export class View {
  readonly #store: ViewStore
  #active = new Layer()
  #flushing: Layer | null = null
  #writing: Promise<void> | null = null
  #isClosing = false

  constructor(store: ViewStore) {
    this.#store = store
  }

  /** @returns the state that was last written, or `null` for a new view */
  async open(): Promise<Uint8Array | null> {
    await this.#store.open()
    const [state] = await this.#store.getMany([STATE_KEY])
    return state ?? null
  }

  /** Empties the store. */
  async clear(): Promise<void> {
    await this.#store.clear()
  }

  get isDirty(): boolean {
    return this.#active.keys.size > 0 || this.#flushing !== null
  }

  get isFull(): boolean {
    return this.#active.isFull
  }

  /** The newest record of each key, in order. One round trip for those not in memory. */
  async load(keys: readonly Uint8Array[]): Promise<(Stored | null)[]> {
    const found: (Stored | null | undefined)[] = keys.map((key) => this.newestPending(key))
    const missing = keys.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found.map((stored) => stored ?? null)
    const records = await this.#store.getMany(missing.map(currentKey))
    let next = 0
    return found.map((stored, i) => {
      if (stored !== undefined) return stored
      const record = records[next++] ?? null
      // A change may have come in meanwhile.
      const newer = this.newestPending(keys[i] as Uint8Array)
      return newer ?? (record === null ? null : decodeRecord(record))
    })
  }

  /** The newest record of a key if it is in memory; `undefined` if the store has to be asked. Synchronous. */
  newestPending(key: Uint8Array): Stored | undefined {
    const id = keyId(key)
    return (this.#active.keys.get(id) ?? this.#flushing?.keys.get(id))?.records.at(-1)
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
      for await (const { value } of snapshot.iterate(historyRange(key, version), false, 1))
        return decodeRecord(value)
      return null
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

  /**
   * Entries of a range at a version, in byte order of keys. Holds the unwritten keys of the range and one batch of the store's.
   */
  async *entries(range: ByteRange, version: number, reverse: boolean): AsyncGenerator<ShownEntry> {
    const layers = [this.#active, this.#flushing]
    const snapshot = this.#store.snapshot()
    try {
      const pending = pendingEntries(layers, range, version, reverse)
      let next = pending.next()
      for await (const { key: stored, value: record } of snapshot.iterate(
        currentRange(range),
        reverse,
        Infinity
      )) {
        const key = keyOfCurrent(stored)
        let replaced = false
        while (!next.done) {
          const order = b4a.compare(next.value.key, key) * (reverse ? -1 : 1)
          if (order > 0) break
          if (order === 0) replaced = true
          if (next.value.shown !== null) yield next.value.shown
          next = pending.next()
        }
        if (replaced) continue
        const current = recordShown(record)
        const entry =
          current.version <= version ? entryOf(key, current) : await olderEntry(snapshot, key, version)
        if (entry !== null) yield entry
      }
      for (; !next.done; next = pending.next()) if (next.value.shown !== null) yield next.value.shown
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

  /** `undefined` when the layers do not say what the key was at that version. */
  #pendingAt(key: Uint8Array, version: number): Stored | null | undefined {
    const id = keyId(key)
    return recordAt([this.#active.keys.get(id), this.#flushing?.keys.get(id)], version)
  }
}

function recordAt(layers: readonly (PendingKey | undefined)[], version: number): Stored | null | undefined {
  for (const pending of layers) {
    if (pending === undefined) continue
    const record = pending.records.findLast((candidate) => candidate.version <= version)
    if (record !== undefined) return record
    if (pending.prior === null) return null
    if (pending.prior.version <= version) return pending.prior
  }
  return undefined
}

interface PendingEntry {
  key: Uint8Array
  shown: ShownEntry | null
}

/** What the layers know of a range at a version, in order. Keys they know nothing of at that version are left to the store. */
function* pendingEntries(
  layers: readonly (Layer | null)[],
  range: ByteRange,
  version: number,
  reverse: boolean
): Generator<PendingEntry> {
  const inRange = new Map<string, Uint8Array>()
  for (const layer of layers) {
    for (const [id, { key }] of layer?.keys ?? []) if (isInRange(key, range)) inRange.set(id, key)
  }
  const sorted = [...inRange].sort(([, a], [, b]) => (reverse ? b4a.compare(b, a) : b4a.compare(a, b)))
  for (const [id, key] of sorted) {
    const record = recordAt(
      layers.map((layer) => layer?.keys.get(id)),
      version
    )
    if (record !== undefined) yield { key, shown: record === null ? null : entryOf(key, record) }
  }
}

async function olderEntry(
  snapshot: ViewStoreSnapshot,
  key: Uint8Array,
  version: number
): Promise<ShownEntry | null> {
  for await (const { value } of snapshot.iterate(historyRange(key, version), false, 1))
    return entryOf(key, recordShown(value))
  return null
}

function writesOf(layer: Layer): ViewWrite[] {
  const writes: ViewWrite[] = []
  for (const { key, prior, records } of layer.keys.values()) {
    const older = prior === null ? records.slice(0, -1) : [prior, ...records.slice(0, -1)]
    for (const stored of older) writes.push([historyKey(key, stored.version), encodeRecord(stored)])
    const newest = records.at(-1)
    if (newest !== undefined) writes.push([currentKey(key), encodeRecord(newest)])
  }
  writes.push([STATE_KEY, layer.state])
  return writes
}

function entryOf(
  key: Uint8Array,
  { version, shown }: { version: number; shown: Value | null }
): ShownEntry | null {
  return shown === null ? null : { key, version, value: shown }
}
