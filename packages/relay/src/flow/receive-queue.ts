/** Of the window: what an honest sender sends is at least 20 bytes a segment, those of an empty message. */
const MOST_COST = 8

/** What becomes of a segment that came. */
export type Arrival = 'taken' | 'repeated' | 'early' | 'too much'

/**
 * Puts segments in order that came over several paths: each byte once.
 *
 * What comes early is held, at most the window: an honest sender sends no more beyond what was taken. Each run that is held counts for more than its bytes, since it
 * costs more.
 */
export class ReceiveQueue {
  readonly #windowBytes: number
  readonly #early: { offset: number; bytes: Uint8Array; fin: boolean }[] = []
  readonly #deliver: (bytes: Uint8Array) => void
  readonly #onfinish: () => void
  #earlyCost = 0
  #have = 0
  #taken = 0
  #finished = false

  constructor(windowBytes: number, deliver: (bytes: Uint8Array) => void, onfinish: () => void) {
    this.#windowBytes = windowBytes
    this.#deliver = deliver
    this.#onfinish = onfinish
  }

  /** All before this byte is here. */
  get have(): number {
    return this.#have
  }

  /** All before this byte was taken by the reader. */
  get taken(): number {
    return this.#taken
  }

  /** The same, and the end of the stream once nothing else is left. */
  get takenWithEnd(): number {
    return this.#finished && this.#taken + 1 === this.#have ? this.#have : this.#taken
  }

  /** The reader has taken so many more. */
  take(bytes: number): void {
    this.#taken += bytes
  }

  /** @param fin - the end of the stream: no bytes, but a place */
  arrive(offset: number, bytes: Uint8Array, fin: boolean): Arrival {
    const size = fin ? 1 : bytes.length
    if (offset + size > this.#taken + this.#windowBytes + 1) return 'too much'
    if (offset + size <= this.#have) return 'repeated'
    if (offset > this.#have) return this.#hold(offset, bytes, fin)
    this.#pass(offset, bytes, fin)
    this.#passEarly()
    return 'taken'
  }

  #pass(offset: number, bytes: Uint8Array, fin: boolean): void {
    const rest = bytes.subarray(this.#have - offset)
    this.#have += fin ? 1 : rest.length
    if (fin) {
      this.#finished = true
      this.#onfinish()
    } else this.#deliver(rest)
  }

  #hold(offset: number, bytes: Uint8Array, fin: boolean): Arrival {
    // From the end: mostly they come in order.
    let at = this.#early.length
    while (at > 0 && (this.#early[at - 1]?.offset ?? 0) > offset) at--
    const before = this.#early[at - 1]
    if (before?.offset === offset && before.bytes.length >= bytes.length) return 'repeated'
    // Repeats of other lengths overlap: without a bound of its own that could be any amount.
    if (this.#earlyCost + costOf(bytes) > MOST_COST * this.#windowBytes) return 'too much'
    this.#earlyCost += costOf(bytes)
    this.#early.splice(at, 0, { offset, bytes, fin })
    return 'early'
  }

  #passEarly(): void {
    for (let [first] = this.#early; first !== undefined; [first] = this.#early) {
      if (first.offset > this.#have) return
      this.#early.shift()
      this.#earlyCost -= costOf(first.bytes)
      const size = first.fin ? 1 : first.bytes.length
      if (first.offset + size > this.#have) this.#pass(first.offset, first.bytes, first.fin)
    }
  }
}

function costOf(bytes: Uint8Array): number {
  return bytes.length + 64
}
