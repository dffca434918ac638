import { damaged, readObject } from '../read/objects.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

/** A shard of 8 MiB with its table; see `pack.ts`. What is larger is rare, and gets memory of its own. */
const BUFFER_BYTES: number = 9 * 1024 * 1024
/** What is smaller is not worth it. */
const LEAST_BYTES: number = 1024 * 1024

/** An object's bytes, as long as they are not given back. */
export interface LentObject {
  bytes: Uint8Array
  /** Once, when nothing reads the bytes any more. */
  release(): void
}

interface Reading {
  bytes: Promise<Uint8Array | null>
  buffer: Uint8Array | null
  users: number
  isKept: boolean
}

/**
 * Reads objects into memory that is used again: with new memory for each, what waits to be collected would be more than what is in use, and
 * collecting it take an eighth of a restore. The last object is kept for the next segment: small ones of many segments lie in one.
 */
export class ObjectReader {
  readonly #store: ObjectStore
  readonly #call: CallOptions
  readonly #free: Uint8Array[] = []
  #last: { name: string; reading: Reading } | null = null

  constructor(store: ObjectStore, call: CallOptions) {
    this.#store = store
    this.#call = call
  }

  /** @param leastBytes - that it has, at least. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when it is not there, and what the store throws */
  async read(name: string, leastBytes: number): Promise<LentObject> {
    const reading = this.#readingOf(name, leastBytes)
    reading.users++
    const release = (): void => {
      reading.users--
      this.#reuse(reading)
    }
    try {
      const bytes = await reading.bytes
      if (bytes === null) throw damaged('an object of it is missing')
      return { bytes, release }
    } catch (error) {
      release()
      throw error
    }
  }

  #readingOf(name: string, leastBytes: number): Reading {
    if (this.#last?.name === name) return this.#last.reading
    const isLarge = leastBytes >= LEAST_BYTES && leastBytes < BUFFER_BYTES
    const buffer = isLarge ? (this.#free.pop() ?? new Uint8Array(BUFFER_BYTES)) : null
    const bytes = readObject(this.#store, name, buffer === null ? this.#call : { ...this.#call, buffer })
    const reading = { bytes, buffer, users: 0, isKept: true }
    const before = this.#last?.reading
    this.#last = { name, reading }
    if (before !== undefined) {
      before.isKept = false
      this.#reuse(before)
    }
    return reading
  }

  #reuse(reading: Reading): void {
    if (reading.users > 0 || reading.isKept || reading.buffer === null) return
    this.#free.push(reading.buffer)
    reading.buffer = null
  }
}
