import b4a from 'b4a'
import c from 'compact-encoding'
import { S3ArchiverError } from '../errors.ts'

/** Version of all objects this package writes. */
export const FORMAT_VERSION = 1

interface Place {
  start: number
  end: number
  buffer: Uint8Array
}

/** Reads the fields of an object, none of which can be trusted. Throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when they are not there. */
export class Reader {
  readonly #place: Place
  readonly #what: string

  /** @param what - for the message of an error */
  constructor(bytes: Uint8Array, what: string) {
    this.#place = { start: 0, end: bytes.byteLength, buffer: bytes }
    this.#what = what
  }

  get remaining(): number {
    return this.#place.end - this.#place.start
  }

  /** An unsigned integer up to 2^53 - 1. */
  uint(): number {
    const value = this.#decode(c.uint)
    if (!Number.isSafeInteger(value)) throw this.damaged('a number')
    return value
  }

  byte(): number {
    return this.#decode(c.uint8)
  }

  uint32(): number {
    return this.#decode(c.uint32)
  }

  uint64(): number {
    const value = this.#decode(c.uint64)
    if (!Number.isSafeInteger(value)) throw this.damaged('a number')
    return value
  }

  /** How many follow of what takes at least so many bytes each: no more than there can be. */
  count(bytesEach: number): number {
    const count = this.uint()
    if (count * bytesEach > this.remaining) throw this.damaged('a count')
    return count
  }

  /** A copy: what is kept must not keep the whole object in memory. */
  bytes(length: number): Uint8Array {
    if (length > this.remaining) throw this.damaged('its end')
    const { start, buffer } = this.#place
    this.#place.start = start + length
    return b4a.from(buffer.subarray(start, start + length))
  }

  sized(): Uint8Array {
    return this.bytes(this.count(1))
  }

  /** All things of a list, each at least so many bytes long. */
  list<T>(bytesEach: number, read: (reader: this) => T): T[] {
    const things: T[] = []
    for (let left = this.count(bytesEach); left > 0; left--) things.push(read(this))
    return things
  }

  /** Nothing may follow. */
  end(): void {
    if (this.remaining !== 0) throw this.damaged('what follows')
  }

  damaged(where: string): S3ArchiverError {
    return new S3ArchiverError(
      'S3_ARCHIVER_DAMAGED',
      `${this.#what} is damaged: ${where} is not as it was written`
    )
  }

  #decode(encoding: { decode(state: Place): number }): number {
    try {
      return encoding.decode(this.#place)
    } catch {
      throw this.damaged('its end')
    }
  }
}

/** Collects the fields of an object. */
export class Writer {
  #buffer: Uint8Array = b4a.alloc(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  uint(value: number): void {
    this.#encode(c.uint, value, 9)
  }

  byte(value: number): void {
    this.#encode(c.uint8, value, 1)
  }

  uint32(value: number): void {
    this.#encode(c.uint32, value, 4)
  }

  uint64(value: number): void {
    this.#encode(c.uint64, value, 8)
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.byteLength
  }

  sized(bytes: Uint8Array): void {
    this.uint(bytes.byteLength)
    this.bytes(bytes)
  }

  list<T>(things: readonly T[], write: (writer: this, thing: T) => void): void {
    this.uint(things.length)
    for (const thing of things) write(this, thing)
  }

  /** All that was written; the caller's own. */
  finish(): Uint8Array {
    return b4a.from(this.#buffer.subarray(0, this.#length))
  }

  #encode(encoding: { encode(state: Place, value: number): void }, value: number, bytes: number): void {
    this.#reserve(bytes)
    const place = { start: this.#length, end: this.#buffer.byteLength, buffer: this.#buffer }
    encoding.encode(place, value)
    this.#length = place.start
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.byteLength) return
    const larger = b4a.alloc(Math.max(needed, 2 * this.#buffer.byteLength))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}

/** Begins an object of a kind. */
export function beginFormat(magic: Uint8Array): Writer {
  const writer = new Writer()
  writer.bytes(magic)
  writer.byte(FORMAT_VERSION)
  return writer
}

/**
 * Begins to read an object of a kind.
 *
 * @param magic - three bytes
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT`
 */
export function openFormat(bytes: Uint8Array, magic: Uint8Array): Reader {
  const reader = new Reader(bytes, `an object of kind ${b4a.toString(magic)}`)
  if (!b4a.equals(reader.bytes(magic.byteLength), magic)) throw reader.damaged('its kind')
  const version = reader.byte()
  if (version === 0) throw reader.damaged('its version')
  if (version > FORMAT_VERSION) {
    const help = `the archive was written in format ${version}, and this program knows ${FORMAT_VERSION}; update it`
    throw new S3ArchiverError('S3_ARCHIVER_NEWER_FORMAT', help)
  }
  return reader
}
