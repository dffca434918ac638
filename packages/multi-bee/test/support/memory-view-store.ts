import b4a from 'b4a'
import { isInRange } from '../../src/view/byte-range.ts'
import type {
  ByteRange,
  IterateOptions,
  Row,
  ViewStore,
  ViewStoreSnapshot,
  ViewWrite
} from '../../src/view/view-store.ts'

/** Small, so that what is read spans several. */
const BATCH_ROWS = 3

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
      iterate: (range, options) => iterate(rows, range, options),
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
  { reverse = false, limit = Infinity, batch = BATCH_ROWS }: IterateOptions
): AsyncGenerator<Row[]> {
  const found = [...rows.values()]
    .filter(({ key }) => isInRange(key, range))
    .sort((a, b) => b4a.compare(a.key, b.key))
  if (reverse) found.reverse()
  const wanted = found.slice(0, limit)
  const size = Math.min(batch, BATCH_ROWS)
  for (let i = 0; i < wanted.length; i += size) yield wanted.slice(i, i + size)
}
