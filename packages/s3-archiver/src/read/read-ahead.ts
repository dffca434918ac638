/** Of what was asked for, so much is read besides, for nothing: by that it is found out whether others are asked for next again. */
const TRIAL = 1 / 8

/**
 * How much is read besides what somebody has asked for. Who asks for blocks in their order gets more at once each time; whoever asks here and there
 * would be brought what nobody needs, or what is dropped before it is needed: only so much is read in advance as was used of what was before.
 */
export class ReadAhead {
  readonly #maxBytes: number
  #credit: number
  /** Bytes of blocks that were read in advance, and not asked for yet. */
  readonly #unused = new Map<number, number>()
  /** Where a reader that goes from block to block would go on, and how much it was given then. */
  #next = { seq: -1, bytes: 0 }

  /** @param maxBytes - that are read at once */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#credit = 2 * maxBytes
  }

  /** Most bytes that are read, when somebody asks for a block. @param chunkBytes - that others beside it are taken with it, wherever it is */
  bytesFrom(seq: number, chunkBytes: number): { ahead: number; chunk: number } {
    const most = Math.min(this.#maxBytes, this.#credit)
    return {
      ahead: seq === this.#next.seq ? Math.min(most, 2 * this.#next.bytes) : 0,
      chunk: chunkBytes > most ? 0 : chunkBytes
    }
  }

  /** Notes what is read. @param wanted - first and end of what cannot be read without each other */
  note(first: number, end: number, sizeOf: (seq: number) => number, wanted: readonly [number, number]): void {
    let bytes = 0
    for (let seq = first; seq < end; seq++) {
      const size = sizeOf(seq)
      bytes += size
      if (seq >= wanted[0] && seq < wanted[1]) this.#credit += size * TRIAL
      else {
        this.#credit -= size
        this.#unused.set(seq, size)
      }
    }
    this.#credit = Math.min(2 * this.#maxBytes, this.#credit)
    this.#next = { seq: end, bytes }
    for (const [seq] of this.#unused) {
      if (this.#unused.size <= MAX_UNUSED) break
      this.#unused.delete(seq)
    }
  }

  /** Somebody has got a block. */
  used(seq: number): void {
    this.#credit = Math.min(2 * this.#maxBytes, this.#credit + (this.#unused.get(seq) ?? 0))
    this.#unused.delete(seq)
  }

  /** Begins anew. */
  reset(): void {
    this.#next = { seq: -1, bytes: 0 }
  }
}

/** Blocks of which it is known that they were read in advance. */
const MAX_UNUSED = 65_536
