import b4a from 'b4a'
import { keptBytes } from '../kept-bytes.ts'

/** First byte of a frame's header. PROTOCOL.md, "Frames". */
export const FRAME = { HELLO: 1, WELCOME: 2, CONTROL: 3, DATA: 4 } as const

/** Type and length, before every body. */
export const HEADER_BYTES = 4
/** Longest body of a DATA frame: 68 KiB, so that 64 KiB of an app, encrypted, are one. */
export const MAX_DATA_BYTES = 69_632
/** Longest body of all others. */
const MAX_CONTROL_BYTES = 1024

/** What a {@link FrameReader} finds. */
export interface FrameSink {
  /** A frame that is not DATA; the body is borrowed until the call returns. */
  onframe(type: number, body: Uint8Array): void
  /** Whole DATA frames in a row, headers included, in parts as they came. The bytes may be kept. */
  ondata(frames: readonly Uint8Array[]): void
  /** Bytes that are no frames. Nothing more is read. */
  oninvalid(): void
}

/** Makes the header of a frame. */
export function frameHeader(type: number, length: number): Uint8Array {
  const header = b4a.allocUnsafe(HEADER_BYTES)
  header[0] = type
  header[1] = length & 255
  header[2] = (length >>> 8) & 255
  header[3] = length >>> 16
  return header
}

/** Puts the header of a DATA frame before its body, which is in parts. */
export function dataFrame(parts: readonly Uint8Array[]): Uint8Array[] {
  return [frameHeader(FRAME.DATA, lengthOf(parts)), ...parts]
}

/** Bytes of all parts. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** Makes a whole frame. */
export function frame(type: number, body: Uint8Array): Uint8Array {
  return b4a.concat([frameHeader(type, body.length), body])
}

/** A frame that comes in drops is put together now and then: each part costs much more than its bytes. */
const MOST_PARTS = 64

/**
 * Cuts a stream of bytes into frames, however they arrive.
 *
 * Holds at most one incomplete frame, so 68 KiB; the length is checked before anything is held. DATA is handed on in runs, to be
 * forwarded in one write. Nothing is copied but what is held and much smaller than the memory it came in.
 */
export class FrameReader {
  readonly #sink: FrameSink
  /** Of the incomplete frame; the first one has its header, unless that is incomplete too. */
  #parts: Uint8Array[] = []
  #held = 0
  #wanted = HEADER_BYTES
  #stopped = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Bytes of an incomplete frame that are held. */
  get heldBytes(): number {
    return this.#held
  }

  /** Reads no more; also from within a call of the sink. */
  stop(): void {
    this.#stopped = true
    this.#release()
  }

  /** @param chunk - is kept, in part or whole, and must not be written to */
  push(chunk: Uint8Array): void {
    if (this.#stopped || chunk.length === 0) return
    if (this.#held === 0) return this.#walk(chunk, 0)
    if (this.#held < HEADER_BYTES) return this.#walk(b4a.concat([...this.#release(), chunk]), 0)
    const missing = this.#wanted - this.#held
    if (chunk.length < missing) return this.#hold(chunk)
    const before = this.#release()
    if (before[0]?.[0] === FRAME.DATA) return this.#walk(chunk, missing, before)
    this.#sink.onframe(...typeAndBody(b4a.concat([...before, chunk.subarray(0, missing)])))
    this.#walk(chunk, missing)
  }

  /**
   * @param from - where a frame begins
   * @param before - of a DATA frame that ends there
   */
  #walk(bytes: Uint8Array, from: number, before: readonly Uint8Array[] = []): void {
    let [at, run, parts] = [from, before.length === 0 ? from : 0, before]
    const flush = (): void => {
      if (at > run && !this.#stopped) this.#sink.ondata([...parts, bytes.subarray(run, at)])
      parts = []
    }
    while (bytes.length - at >= HEADER_BYTES) {
      const length = bodyLength(bytes, at)
      if (length === null) {
        flush()
        return this.#invalid()
      }
      const end = at + HEADER_BYTES + length
      if (end > bytes.length) break
      if (bytes[at] !== FRAME.DATA) {
        flush()
        if (this.#stopped) return
        this.#sink.onframe(...typeAndBody(bytes.subarray(at, end)))
        if (this.#stopped) return
        run = end
      }
      at = end
    }
    flush()
    if (at < bytes.length && !this.#stopped) this.#hold(bytes.subarray(at))
  }

  #hold(part: Uint8Array): void {
    if (this.#held === 0)
      this.#wanted = HEADER_BYTES + (part.length < HEADER_BYTES ? 0 : (bodyLength(part, 0) ?? 0))
    this.#parts.push(keptBytes(part))
    this.#held += part.length
    if (this.#parts.length > MOST_PARTS) this.#parts = [b4a.concat(this.#parts)]
  }

  /** @returns what was held */
  #release(): Uint8Array[] {
    const parts = this.#parts
    this.#parts = []
    this.#held = 0
    return parts
  }

  #invalid(): void {
    if (this.#stopped) return
    this.stop()
    this.#sink.oninvalid()
  }
}

/** Calls back with the body of each frame of a run of whole DATA frames; one that is in several parts is put together. */
export function eachBody(run: readonly Uint8Array[], onbody: (body: Uint8Array) => void): void {
  for (const [first = b4a.alloc(0), ...rest] of framesOf(run))
    onbody((rest.length === 0 ? first : b4a.concat([first, ...rest])).subarray(HEADER_BYTES))
}

/** Each frame of a run of whole DATA frames, header included, in parts as it came. */
export function* framesOf(run: readonly Uint8Array[]): Generator<Uint8Array[]> {
  const last = run.at(-1) ?? b4a.alloc(0)
  const before = run.slice(0, -1)
  let at = 0
  if (before[0] !== undefined) {
    at = frameEnd(before[0], 0) - lengthOf(before)
    yield [...before, last.subarray(0, at)]
  }
  while (at < last.length) {
    const end = frameEnd(last, at)
    yield [last.subarray(at, end)]
    at = end
  }
}

function frameEnd(bytes: Uint8Array, at: number): number {
  return at + HEADER_BYTES + (bodyLength(bytes, at) ?? 0)
}

function typeAndBody(whole: Uint8Array): [type: number, body: Uint8Array] {
  return [whole[0] ?? 0, whole.subarray(HEADER_BYTES)]
}

/** `null` for a type that is unknown, or longer than it may be. */
function bodyLength(bytes: Uint8Array, at: number): number | null {
  const type = bytes[at] ?? 0
  const length = (bytes[at + 1] ?? 0) | ((bytes[at + 2] ?? 0) << 8) | ((bytes[at + 3] ?? 0) << 16)
  if (type < FRAME.HELLO || type > FRAME.DATA) return null
  return length <= (type === FRAME.DATA ? MAX_DATA_BYTES : MAX_CONTROL_BYTES) ? length : null
}
