import b4a from 'b4a'
import c from 'compact-encoding'

/** Reads the fields of one block. Every method throws when the bytes do not hold what is asked for; `decode.ts` catches. */
export class WireReader {
  readonly #state: { start: number; end: number; buffer: Uint8Array }

  constructor(bytes: Uint8Array) {
    this.#state = { start: 0, end: bytes.byteLength, buffer: bytes }
  }

  get isAtEnd(): boolean {
    return this.#state.start === this.#state.end
  }

  get remaining(): number {
    return this.#state.end - this.#state.start
  }

  /** An unsigned integer up to 2^53 - 1, in compact-encoding's `uint`; its shortest form is not demanded. */
  uint(): number {
    const value = c.uint.decode(this.#state)
    if (!Number.isSafeInteger(value)) throw new Error('integer out of range')
    return value
  }

  byte(): number {
    return c.uint8.decode(this.#state)
  }

  uint16(): number {
    return c.uint16.decode(this.#state)
  }

  uint48(): number {
    return c.uint48.decode(this.#state)
  }

  /** A view into the block, not a copy. */
  bytes(length: number): Uint8Array {
    if (length > this.remaining) throw new Error('block is too short')
    const { start, buffer } = this.#state
    this.#state.start = start + length
    return buffer.subarray(start, start + length)
  }

  text(maxBytes: number): string {
    const length = this.uint()
    if (length > maxBytes) throw new Error('text is too long')
    return utf8Text(this.bytes(length))
  }
}

/** What a writer starts with. */
const START_BYTES = 512
/** Larger buffers are not kept. */
const SPARE_BYTES = 64 * 1024
const EMPTY = b4a.alloc(0)

/** Where a writer stands, as compact-encoding wants it. */
interface Place {
  start: number
  end: number
  buffer: Uint8Array
}

/** That of a writer that has finished, for the next: most writers live one after the other, and are short. */
let spare: Place | null = null

/** Collects the fields of one block. */
export class WireWriter {
  #state: Place

  constructor() {
    this.#state = spare ?? { start: 0, end: START_BYTES, buffer: b4a.allocUnsafeSlow(START_BYTES) }
    this.#state.start = 0
    spare = null
  }

  get length(): number {
    return this.#state.start
  }

  uint(value: number): void {
    c.uint.encode(this.#reserve(9), value)
  }

  byte(value: number): void {
    c.uint8.encode(this.#reserve(1), value)
  }

  uint16(value: number): void {
    c.uint16.encode(this.#reserve(2), value)
  }

  uint48(value: number): void {
    c.uint48.encode(this.#reserve(6), value)
  }

  uint64(value: number): void {
    c.uint64.encode(this.#reserve(8), value)
  }

  bytes(bytes: Uint8Array): void {
    const state = this.#reserve(bytes.byteLength)
    state.buffer.set(bytes, state.start)
    state.start += bytes.byteLength
  }

  /** Length, then bytes. */
  sized(bytes: Uint8Array): void {
    this.uint(bytes.byteLength)
    this.bytes(bytes)
  }

  /** What was written, as a copy of its own. Ends the writer. */
  finish(): Uint8Array {
    const bytes = b4a.from(this.#state.buffer.subarray(0, this.length))
    if (this.#state.end <= SPARE_BYTES) spare = this.#state
    this.#state = { start: 0, end: 0, buffer: EMPTY }
    return bytes
  }

  /** Where so many bytes more can be written. */
  #reserve(bytes: number): Place {
    const state = this.#state
    const needed = state.start + bytes
    if (needed <= state.end) return state
    const larger = b4a.allocUnsafeSlow(Math.max(needed, state.end * 2))
    larger.set(state.buffer.subarray(0, state.start))
    state.buffer = larger
    state.end = larger.byteLength
    return state
  }
}

/** UTF-8 text; refuses bytes that are not, since runtimes differ in how they repair them. */
export function utf8Text(bytes: Uint8Array): string {
  const text = b4a.toString(bytes)
  if (text.includes('\uFFFD') && !b4a.equals(b4a.from(text), bytes)) throw new Error('not UTF-8')
  return text
}
