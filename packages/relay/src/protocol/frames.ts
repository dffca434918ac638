import b4a from 'b4a'

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
  /** Whole DATA frames in a row, headers included, as they came. The bytes may be kept. */
  ondata(frames: Uint8Array): void
  /** Bytes that are no frames. Nothing more is read. */
  oninvalid(): void
}

/** A frame that comes in drops is put together now and then: each part costs much more than its bytes. */
const MOST_PARTS = 64

/** Makes the header of a frame. */
export function frameHeader(type: number, length: number): Uint8Array {
  const header = b4a.allocUnsafe(HEADER_BYTES)
  header[0] = type
  header[1] = length & 255
  header[2] = (length >>> 8) & 255
  header[3] = length >>> 16
  return header
}

/** Makes a whole frame. */
export function frame(type: number, body: Uint8Array): Uint8Array {
  return b4a.concat([frameHeader(type, body.length), body])
}

/**
 * Cuts a stream of bytes into frames, however they arrive.
 *
 * Holds at most one incomplete frame, so 68 KiB; the length is checked before anything is held. DATA is handed on in runs, to be
 * forwarded in one write.
 */
export class FrameReader {
  readonly #sink: FrameSink
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
    this.#parts = []
    this.#held = 0
  }

  /** @param chunk - is kept, in part or whole, and must not be written to */
  push(chunk: Uint8Array): void {
    let rest = chunk
    while (this.#held > 0 && rest.length > 0 && !this.#stopped) rest = this.#complete(rest)
    if (rest.length > 0 && !this.#stopped) this.#walk(rest)
  }

  /** Adds to the incomplete frame. @returns what comes after it */
  #complete(chunk: Uint8Array): Uint8Array {
    const taken = chunk.subarray(0, this.#wanted - this.#held)
    this.#parts.push(taken)
    this.#held += taken.length
    const rest = chunk.subarray(taken.length)
    if (this.#held < this.#wanted) {
      if (this.#parts.length >= MOST_PARTS) this.#parts = [b4a.concat(this.#parts)]
      return rest
    }
    const whole = b4a.concat(this.#parts)
    const length = bodyLength(whole, 0)
    if (length === null) this.#invalid()
    else if (whole.length < HEADER_BYTES + length) {
      this.#parts = [whole]
      this.#wanted = HEADER_BYTES + length
    } else {
      this.#reset()
      this.#walk(whole)
    }
    return rest
  }

  #walk(bytes: Uint8Array): void {
    let run = 0
    let at = 0
    while (bytes.length - at >= HEADER_BYTES) {
      const length = bodyLength(bytes, at)
      if (length === null) {
        this.#flush(bytes, run, at)
        return this.#invalid()
      }
      const end = at + HEADER_BYTES + length
      if (end > bytes.length) break
      if (bytes[at] !== FRAME.DATA) {
        this.#flush(bytes, run, at)
        if (this.#stopped) return
        this.#sink.onframe(bytes[at] ?? 0, bytes.subarray(at + HEADER_BYTES, end))
        if (this.#stopped) return
        run = end
      }
      at = end
    }
    this.#flush(bytes, run, at)
    if (at < bytes.length && !this.#stopped) this.#hold(bytes.subarray(at))
  }

  #flush(bytes: Uint8Array, from: number, to: number): void {
    if (to > from && !this.#stopped) this.#sink.ondata(bytes.subarray(from, to))
  }

  #hold(rest: Uint8Array): void {
    this.#parts = [b4a.from(rest)]
    this.#held = rest.length
    const length = rest.length < HEADER_BYTES ? null : bodyLength(rest, 0)
    this.#wanted = HEADER_BYTES + (length ?? 0)
  }

  #reset(): void {
    this.#parts = []
    this.#held = 0
    this.#wanted = HEADER_BYTES
  }

  #invalid(): void {
    if (this.#stopped) return
    this.stop()
    this.#sink.oninvalid()
  }
}

/** Calls back with the body of each frame of a run of whole DATA frames. */
export function eachBody(run: Uint8Array, onbody: (body: Uint8Array) => void): void {
  for (let at = 0; at < run.length;) {
    const end = at + HEADER_BYTES + (bodyLength(run, at) ?? 0)
    onbody(run.subarray(at + HEADER_BYTES, end))
    at = end
  }
}

/** `null` for a type that is unknown, or longer than it may be. */
function bodyLength(bytes: Uint8Array, at: number): number | null {
  const type = bytes[at] ?? 0
  const length = (bytes[at + 1] ?? 0) | ((bytes[at + 2] ?? 0) << 8) | ((bytes[at + 3] ?? 0) << 16)
  if (type < FRAME.HELLO || type > FRAME.DATA) return null
  return length <= (type === FRAME.DATA ? MAX_DATA_BYTES : MAX_CONTROL_BYTES) ? length : null
}
