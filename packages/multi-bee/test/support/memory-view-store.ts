import b4a from 'b4a'
import { isInRange } from '../../src/view/byte-range.ts'
import type { ByteRange, ViewStore, ViewStoreSnapshot, ViewWrite } from '../../src/view/view-store.ts'

type Row = { key: Uint8Array; value: Uint8Array }

/** A view store in memory. What it holds outlives `close`, like a disk; a write is there as a whole or not at all. */
export class MemoryViewStore implements ViewStore {
  #rows = new Map<string, Row>()
  /** Throws in place of the next writes while set. */
  failure: Error | null = null
  /** Open snapshots, to see that none is forgotten. */
  snapshots = 0

  /** All that is written; immutable, so it can be kept and put back. */
  get contents(): ReadonlyMap<string, Row> {
    return this.#rows
  }

  set contents(rows: ReadonlyMap<string, Row>) {
    this.#rows = new Map(rows)
  }

  open(): Promise<void> {
    return Promise.resolve()
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return Promise.resolve(keys.map((key) => this.#rows.get(b4a.toString(key, 'hex'))?.value ?? null))
  }

  async write(writes: readonly ViewWrite[]): Promise<void> {
    await Promise.resolve()
    if (this.failure !== null) throw this.failure
    const rows = new Map(this.#rows)
    for (const [key, value] of writes) {
      const id = b4a.toString(key, 'hex')
      if (value === null) rows.delete(id)
      else rows.set(id, { key: b4a.from(key), value: b4a.from(value) })
    }
    this.#rows = rows
  }

  clear(): Promise<void> {
    this.#rows = new Map()
    return Promise.resolve()
  }

  snapshot(): ViewStoreSnapshot {
    const rows = this.#rows
    this.snapshots++
    return {
      iterate: (range, reverse, limit) => iterate(rows, range, reverse, limit),
      release: () => {
        this.snapshots--
        return Promise.resolve()
      }
    }
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

async function* iterate(
  rows: Map<string, Row>,
  range: ByteRange,
  reverse: boolean,
  limit: number
): AsyncGenerator<Row> {
  const found = [...rows.values()]
    .filter(({ key }) => isInRange(key, range))
    .sort((a, b) => b4a.compare(a.key, b.key))
  if (reverse) found.reverse()
  yield* found.slice(0, limit)
}
