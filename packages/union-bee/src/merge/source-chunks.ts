import type { RangeIterator } from '../sources/hyperbee-adapter.ts'
import type { Entry, Skipped } from '../types.ts'

/** Most entries that are read before they are handed over. */
const CHUNK_LENGTH = 64
/** A source that takes longer than this for an entry is handed over entry by entry. */
const CHUNK_MS = 5

/** A source's entries, several at once where that saves promises. */
export interface SourceChunks<T> {
  /** Adds the next ones to `into`, one by one; none at the end. What was added before it fails counts. */
  fill(into: T[]): Promise<void>
  /** Ends the source's stream; a `fill` under way too, if `canInterrupt`. */
  end(): Promise<unknown> | undefined
  readonly canInterrupt: boolean
  readonly skipped: readonly Skipped[]
}

/** Streams that hand out what they have buffered: streamx and Node (`read`), and our own (`batches`). */
interface BufferedStream<T> extends AsyncIterable<T> {
  readonly skipped?: readonly Skipped[]
  read?(): T | null
  batches?(): AsyncIterator<readonly T[]>
  destroy?(): unknown
}

export function chunksOf<K, V>(
  source: AsyncIterable<Entry<K, V>> | RangeIterator<K, V>
): SourceChunks<Entry<K, V>> {
  return Symbol.asyncIterator in source ? ofStream(source) : ofIterator(source)
}

/** The first entry alone, then twice as many each time. */
function ofIterator<K, V>(iterator: RangeIterator<K, V>): SourceChunks<Entry<K, V>> {
  let length = 1
  let isOpen = false
  return {
    canInterrupt: true,
    skipped: [],
    fill: async (into) => {
      if (!isOpen) await iterator.open()
      isOpen = true
      const started = Date.now()
      for (let i = 0; i < length; i++) {
        const entry = await iterator.next()
        if (entry === null) return
        into.push(entry)
        if (Date.now() - started > CHUNK_MS) return
      }
      length = Math.min(2 * length, CHUNK_LENGTH)
    },
    end: () => iterator.close()
  }
}

function ofStream<T>(stream: BufferedStream<T>): SourceChunks<T> {
  const canInterrupt = stream.destroy !== undefined
  if (stream.batches !== undefined) {
    const batches = stream.batches()
    return {
      canInterrupt,
      get skipped() {
        return stream.skipped ?? []
      },
      fill: async (into) => {
        const { done, value } = await batches.next()
        if (done !== true) for (const item of value) into.push(item)
      },
      end: () => batches.return?.()
    }
  }
  const items = stream[Symbol.asyncIterator]()
  return {
    canInterrupt,
    get skipped() {
      return stream.skipped ?? []
    },
    fill: async (into) => {
      const first = await items.next()
      if (first.done === true) return
      into.push(first.value)
      if (stream.read === undefined) return
      for (let item = stream.read(); item !== null && item !== undefined; item = stream.read())
        into.push(item)
    },
    end: () => {
      // Ends a read under way, behind which `return` would wait.
      stream.destroy?.()
      return items.return?.()
    }
  }
}
