import b4a from 'b4a'
import { keptBytes } from './kept-bytes.ts'

const LEAST_BLOCK = 64
const MOST_BLOCK = 16_384

/** Bytes that came one after the other and wait: in few pieces, however small they came, since each piece costs some 200 bytes besides its own. */
export class GatheredBytes {
  readonly #parts: Uint8Array[] = []
  /** What the last pieces are put into. */
  #block: Uint8Array = b4a.alloc(0)
  #filled = 0
  #bytes = 0

  /** How many there are. */
  get bytes(): number {
    return this.#bytes
  }

  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    if (bytes.length > MOST_BLOCK / 2) {
      this.#close()
      this.#parts.push(keptBytes(bytes))
      return
    }
    if (this.#filled + bytes.length > MOST_BLOCK) this.#close()
    const needed = this.#filled + bytes.length
    if (needed > this.#block.length) {
      const block = b4a.alloc(Math.min(MOST_BLOCK, Math.max(LEAST_BLOCK, 2 * needed)))
      block.set(this.#block.subarray(0, this.#filled))
      this.#block = block
    }
    this.#block.set(bytes, this.#filled)
    this.#filled = needed
  }

  /** All of it, which is gone from here then. */
  take(): Uint8Array[] {
    this.#close()
    this.#bytes = 0
    return this.#parts.splice(0)
  }

  #close(): void {
    if (this.#filled > 0) this.#parts.push(keptBytes(this.#block.subarray(0, this.#filled)))
    this.#block = b4a.alloc(0)
    this.#filled = 0
  }
}
