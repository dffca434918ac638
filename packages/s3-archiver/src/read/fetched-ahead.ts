/** Of a cache, the share that blocks may take which were fetched before Hypercore has asked for them. */
const SHARE = 0.25
/** Of that, the most for one block: parts that are larger gain nothing from being read together. */
const LARGEST = 1 / 64

/**
 * Which blocks are fetched as soon as somebody waits for them, so that those that lie together are read together. No more than the cache holds
 * until Hypercore asks: of those beyond it is only said that they are there, and they are fetched when it asks for them.
 */
export class FetchedAhead {
  readonly #maxBytes: number
  readonly #isAwaited: (seq: number) => boolean
  readonly #bytesOf = new Map<number, number>()
  #bytes = 0
  #wasSwept = false

  /** @param isAwaited - whether somebody waits for a block still */
  constructor(cacheBytes: number, isAwaited: (seq: number) => boolean) {
    this.#maxBytes = cacheBytes * SHARE
    this.#isAwaited = isAwaited
  }

  /** Makes room for a block, until nobody waits for it. @returns false when there is none */
  add(seq: number, bytes: number): boolean {
    if (this.#bytesOf.has(seq)) return true
    if (bytes > this.#maxBytes * LARGEST) return false
    if (this.#bytes + bytes > this.#maxBytes) this.#sweep()
    if (this.#bytes + bytes > this.#maxBytes) return false
    this.#bytesOf.set(seq, bytes)
    this.#bytes += bytes
    return true
  }

  /** Once in a turn of the event loop: who asks for many asks for all of them in one. */
  #sweep(): void {
    if (this.#wasSwept) return
    this.#wasSwept = true
    setTimeout(() => (this.#wasSwept = false), 0)
    for (const [seq, bytes] of this.#bytesOf) {
      if (this.#isAwaited(seq)) continue
      this.#bytesOf.delete(seq)
      this.#bytes -= bytes
    }
  }
}
