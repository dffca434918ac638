import b4a from 'b4a'
import { isInRange } from './byte-range.ts'
import { encodeRecord, type Stored } from './record.ts'
import { entryOf, type ShownEntry } from './shown-entry.ts'
import { currentKey, historyKey, STATE_KEY } from './view-keys.ts'
import type { ByteRange, ViewWrite } from './view-store.ts'

/** Changed keys that are held in memory before they are written, and their bytes. */
const LAYER_KEYS = 8192
const LAYER_BYTES = 16 * 1024 * 1024

export interface PendingKey {
  key: Uint8Array
  /** The record in the store (or in the layer below) that the first of `records` replaces. */
  prior: Stored | null
  /** Ascending versions. */
  records: Stored[]
}

/** Changes that are not in the store yet. Frozen once `state` is set. */
export class Layer {
  readonly keys: Map<string, PendingKey> = new Map()
  bytes = 0
  /** What the store will say of itself with this layer written. */
  state: Uint8Array | null = null

  get isFull(): boolean {
    return this.keys.size >= LAYER_KEYS || this.bytes >= LAYER_BYTES
  }
}

/** What a key was at a version; `undefined` when the layers do not say. */
export function recordAt(
  layers: readonly (PendingKey | undefined)[],
  version: number
): Stored | null | undefined {
  for (const pending of layers) {
    if (pending === undefined) continue
    const record = pending.records.findLast((candidate) => candidate.version <= version)
    if (record !== undefined) return record
    if (pending.prior === null) return null
    if (pending.prior.version <= version) return pending.prior
  }
  return undefined
}

/** `shown` is `null` of an entry that is absent. */
export interface PendingEntry {
  key: Uint8Array
  shown: ShownEntry | null
}

/** What the layers know of a range at a version, in order. Keys they know nothing of at that version are left to the store. */
export function* pendingEntries(
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

/** A layer as it is written: the newest record of each key, those it replaces, and the state. */
export function writesOf(layer: Layer): ViewWrite[] {
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
