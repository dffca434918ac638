import b4a from 'b4a'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { damaged } from './objects.ts'

/** Parts of an object that lie closer together than this are read in one request: what lies between costs less than another one. */
const GAP_BYTES = 16 * 1024
/** Most bytes of one request that was made of several. */
const MAX_MERGED_BYTES = 1024 * 1024
/** Most bytes of one request: more than any block, or table, has. Sizes that others say are not to be believed. */
const MAX_READ_BYTES: number = 64 * 1024 * 1024
/** Requests at once, and what they ask for together, unless one alone asks for more. */
const MAX_IN_FLIGHT = 6
const MAX_BYTES_IN_FLIGHT: number = 16 * 1024 * 1024

interface Want {
  object: string
  start: number
  end: number
  /** Whether the object has to go that far. */
  isExact: boolean
  resolve: (bytes: Uint8Array) => void
  reject: (error: unknown) => void
}

/** What is read in one request. */
interface Batch {
  wants: Want[]
  start: number
  end: number
}

/** Reads parts of objects: what is wanted in the same turn of the event loop in as few requests as it takes. */
export class RangeReader {
  readonly #store: ObjectStore
  readonly #call: CallOptions
  #wants: Want[] = []
  readonly #waiting: Batch[] = []
  #inFlight = 0
  #bytesInFlight = 0

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
    let batch: Batch | null = null
    for (const want of wants) {
      const fits: boolean =
        batch?.wants[0]?.object === want.object &&
        want.start - batch.end < GAP_BYTES &&
        Math.max(batch.end, want.end) - batch.start <= MAX_MERGED_BYTES
      if (batch !== null && fits) {
        batch.wants.push(want)
        batch.end = Math.max(batch.end, want.end)
      } else {
        batch = { wants: [want], start: want.start, end: want.end }
        this.#waiting.push(batch)
      }
    }
    this.#next()
  }

  #next(): void {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const [batch] = this.#waiting
      if (batch === undefined) return
      const bytes = sizeOf(batch)
      if (this.#inFlight > 0 && this.#bytesInFlight + bytes > MAX_BYTES_IN_FLIGHT) return
      this.#waiting.shift()
      this.#inFlight++
      this.#bytesInFlight += bytes
      void this.#fetch(batch).finally(() => {
        this.#inFlight--
        this.#bytesInFlight -= bytes
        this.#next()
      })
    }
  }

  async #fetch({ wants, start, end }: Batch): Promise<void> {
    const [{ object } = { object: '' }] = wants
    try {
      const result = await this.#store.getRange(object, { start, end }, this.#call)
      if (result === null) throw damaged('an object of it is missing')
      for (const want of wants) {
        // A copy: else a small part would keep all of the answer in memory.
        const bytes = b4a.from(result.bytes.subarray(want.start - start, want.end - start))
        if (!want.isExact || bytes.byteLength === want.end - want.start) want.resolve(bytes)
        else want.reject(damaged('an object is cut short'))
      }
    } catch (error) {
      for (const { reject } of wants) reject(error)
    }
  }
}

/** Of what it may bring; where an object's end is not known, it is likely to come soon. */
function sizeOf({ wants, start, end }: Batch): number {
  return wants.every(({ isExact }) => isExact) ? end - start : Math.min(end - start, MAX_MERGED_BYTES)
}

function byPlace(a: Want, b: Want): number {
  if (a.object !== b.object) return a.object < b.object ? -1 : 1
  return a.start - b.start
}
