import b4a from 'b4a'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { damaged } from './objects.ts'

/** Parts of an object that lie closer together than this are read in one request: what lies between costs less than another one. */
const GAP_BYTES = 16 * 1024
/** Most bytes of one request that was made of several. */
const MAX_MERGED_BYTES = 1024 * 1024
/** Most bytes of one request: more than any block, or table, has. Sizes that others say are not to be believed. */
const MAX_READ_BYTES: number = 64 * 1024 * 1024
/** Requests at once. */
const MAX_IN_FLIGHT = 6

interface Want {
  object: string
  start: number
  end: number
  /** Whether the object has to go that far. */
  isExact: boolean
  resolve: (bytes: Uint8Array) => void
  reject: (error: unknown) => void
}

/** Reads parts of objects: what is wanted in the same turn of the event loop in as few requests as it takes. */
export class RangeReader {
  readonly #store: ObjectStore
  readonly #call: CallOptions
  #wants: Want[] = []
  #waiting: Want[][] = []
  #inFlight = 0

  /** @param call - for all that is read */
  constructor(store: ObjectStore, call: CallOptions) {
    this.#store = store
    this.#call = call
  }

  /**
   * @returns exactly the bytes from `start` up to `end`
   * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when the object is not there, or shorter; and what the store throws
   */
  read(object: string, start: number, end: number): Promise<Uint8Array> {
    return start === end ? Promise.resolve(b4a.alloc(0)) : this.#want(object, start, end, true)
  }

  /** The first bytes of an object, at most so many. @throws what {@link read} does */
  readStart(object: string, bytes: number): Promise<Uint8Array> {
    return this.#want(object, 0, bytes, false)
  }

  #want(object: string, start: number, end: number, isExact: boolean): Promise<Uint8Array> {
    if (!(end - start <= MAX_READ_BYTES && Number.isSafeInteger(end)))
      return Promise.reject(damaged('a size in it cannot be'))
    return new Promise((resolve, reject) => {
      // A turn, and not a microtask: what is asked for at once comes in over several of these.
      if (this.#wants.length === 0) setTimeout(() => this.#plan(), 0)
      this.#wants.push({ object, start, end, isExact, resolve, reject })
    })
  }

  #plan(): void {
    const wants = this.#wants.splice(0).sort(byPlace)
    let batch: Want[] = []
    let end = 0
    for (const want of wants) {
      const first = batch[0]
      const fits =
        first?.object === want.object &&
        want.start - end < GAP_BYTES &&
        Math.max(end, want.end) - first.start <= MAX_MERGED_BYTES
      if (fits) {
        batch.push(want)
        end = Math.max(end, want.end)
      } else {
        if (batch.length > 0) this.#waiting.push(batch)
        batch = [want]
        end = want.end
      }
    }
    if (batch.length > 0) this.#waiting.push(batch)
    this.#next()
  }

  #next(): void {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const batch = this.#waiting.shift()
      if (batch === undefined) return
      this.#inFlight++
      void this.#fetch(batch).finally(() => {
        this.#inFlight--
        this.#next()
      })
    }
  }

  async #fetch(batch: readonly Want[]): Promise<void> {
    const [{ object, start } = { object: '', start: 0 }] = batch
    const end = Math.max(...batch.map((want) => want.end))
    try {
      const result = await this.#store.getRange(object, { start, end }, this.#call)
      if (result === null) throw damaged('an object of it is missing')
      for (const want of batch) {
        // A copy: else a small part would keep all of the answer in memory.
        const bytes = b4a.from(result.bytes.subarray(want.start - start, want.end - start))
        if (!want.isExact || bytes.byteLength === want.end - want.start) want.resolve(bytes)
        else want.reject(damaged('an object is cut short'))
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}

function byPlace(a: Want, b: Want): number {
  if (a.object !== b.object) return a.object < b.object ? -1 : 1
  return a.start - b.start
}
