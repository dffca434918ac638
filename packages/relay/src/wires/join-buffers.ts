import b4a from 'b4a'
import { HEADER_BYTES, lengthOf, MAX_DATA_BYTES } from '../protocol/frames.ts'

const BUFFER_BYTES = HEADER_BYTES + MAX_DATA_BYTES
/** A wire has about 512 KiB under way, and few are busy at once. */
const MOST_KEPT = 16
/** What is shorter is cut out of Node's pool. */
const LEAST_BYTES = 4_096

/** Buffers that parts are joined in, as long as somebody writes them. */
export class JoinBuffers {
  readonly #free: Uint8Array[] = []

  /** @returns the parts as one, until it is given back */
  join(parts: readonly Uint8Array[]): Uint8Array {
    const length = lengthOf(parts)
    if (length < LEAST_BYTES || length > BUFFER_BYTES) return b4a.concat([...parts])
    const whole = this.#free.pop() ?? b4a.allocUnsafeSlow(BUFFER_BYTES)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole.subarray(0, length)
  }

  /** Nobody reads it any more. */
  giveBack(joined: Uint8Array): void {
    if (joined.buffer.byteLength !== BUFFER_BYTES || this.#free.length >= MOST_KEPT) return
    this.#free.push(b4a.from(joined.buffer))
  }
}
