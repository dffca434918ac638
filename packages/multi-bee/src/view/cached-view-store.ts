import { LRU } from 'tiny-lru'
import { KeyFilter } from './key-filter.ts'
import { keyId } from './key-id.ts'
import type { ViewStore, ViewStoreSnapshot, ViewWrite } from './view-store.ts'

/** What a row in memory costs besides its bytes: measured, two typed arrays, a string and the entry itself. */
const ROW_OVERHEAD = 512

/**
 * A store that keeps in memory the rows that were last got, at most `capacity` bytes of them, and of one that began empty which keys
 * are absent: to ask RocksDB is a trip to another thread. Owns the store below.
 *
 * A row in memory is always the one in the store, but for the time a write of it is on its way; then it is the one before. Hence
 * a get returns what the store held at some moment between the call and the answer, as without it.
 */
export class CachedViewStore implements ViewStore {
  readonly #store: ViewStore
  readonly #capacity: number
  /** By key id; the first is the one that was not used for longest. */
  readonly #rows = new LRU<Uint8Array>()
  #bytes = 0
  /** Of a store that is known to have been empty, what was ever written to it since: all else is absent. */
  #written: KeyFilter | null = null
  /** Writes that have ended: what was got across the end of one may be out of date. */
  #writes = 0

  constructor(store: ViewStore, capacity: number) {
    this.#store = store
    this.#capacity = capacity
  }

  open(): Promise<void> {
    return this.#store.open()
  }

  /** To be called when nothing is in the store, or on its way: then it need not be asked for what was never written. */
  noteEmpty(): void {
    this.#written = new KeyFilter()
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    const found: (Uint8Array | null)[] = []
    const missing: Missing[] = []
    for (const [i, key] of keys.entries()) {
      found.push(null)
      if (this.#written?.mayHold(key) === false) continue
      const id = keyId(key)
      const row = this.#rows.get(id)
      if (row === undefined) missing.push({ i, id, key })
      else found[i] = row
    }
    if (missing.length === 0) return found
    const writes = this.#writes
    const values = await this.#store.getMany(missing.map(({ key }) => key))
    for (const [m, { i, id }] of missing.entries()) {
      const value = values[m] ?? null
      found[i] = value
      if (value !== null && writes === this.#writes) this.#keep(id, value)
    }
    return found
  }

  async write(writes: readonly ViewWrite[]): Promise<void> {
    let written = false
    // Before it can be there, and also if it fails.
    if (this.#written !== null) for (const [key] of writes) this.#written.add(key)
    try {
      await this.#store.write(writes)
      written = true
    } finally {
      this.#writes++
      for (const [key, value] of this.#rows.size === 0 ? [] : writes) {
        const id = keyId(key)
        if (!this.#rows.has(id)) continue
        // Of a write that failed nobody knows what is in the store.
        this.#forget(id)
        if (written && value !== null) this.#keep(id, value)
      }
    }
  }

  async clear(): Promise<void> {
    try {
      await this.#store.clear()
    } finally {
      this.#writes++
      this.#rows.clear()
      this.#bytes = 0
    }
  }

  snapshot(): ViewStoreSnapshot {
    return this.#store.snapshot()
  }

  settle(): Promise<void> {
    return this.#store.settle()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #keep(id: string, row: Uint8Array): void {
    const bytes = costOf(id, row)
    if (bytes > this.#capacity / 8) return
    this.#forget(id)
    this.#rows.set(id, row)
    this.#bytes += bytes
    while (this.#bytes > this.#capacity && this.#rows.first !== null)
      this.#forget(this.#rows.first.key as string)
  }

  #forget(id: string): void {
    const row = this.#rows.peek(id)
    if (row === undefined) return
    this.#rows.delete(id)
    this.#bytes -= costOf(id, row)
  }
}

/** A key that is not in memory, and its place among those asked for. */
interface Missing {
  i: number
  id: string
  key: Uint8Array
}

function costOf(id: string, row: Uint8Array): number {
  return ROW_OVERHEAD + id.length + row.byteLength
}
