import { GatheredBytes } from '../gathered-bytes.ts'

/** Of the window: what an honest sender sends is at least 20 bytes a segment, those of an empty message. */
const MOST_COST = 8

/** What comes in order on one path is one run: there is another for each time the sender went over to another path, and one after each gap. */
const MOST_RUNS = 1_024

/** What becomes of a segment that came. */
export type Arrival = 'taken' | 'repeated' | 'early' | 'too much'

/** Bytes that came early, one after the other. */
interface Run {
  readonly offset: number
  /** One after its last, the end of the stream included. */
  end: number
  readonly parts: GatheredBytes
  /** The stream ends with it. */
  fin: boolean
  cost: number
}

/**
 * Puts segments in order that came over several paths: each byte once.
 *
 * What comes early is held, at most the window: an honest sender sends no more beyond what was taken. Each segment that is held counts for more than its bytes, since it
 * costs more; so do gaps, of which there are few.
 */
export class ReceiveQueue {
  readonly #windowBytes: number
  /** By offset. */
  readonly #early: Run[] = []
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
    // Nothing follows the end.
    if (this.#finished) return 'too much'
    if (offset > this.#have) return this.#hold(offset, bytes, fin)
    this.#pass(offset, bytes, fin)
    return this.#passEarly() ? 'taken' : 'too much'
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
    const end = offset + (fin ? 1 : bytes.length)
    // From the end: mostly they come in order.
    let at = this.#early.length
    while (at > 0 && (this.#early[at - 1]?.offset ?? 0) > offset) at--
    const before = this.#early[at - 1]
    if (before !== undefined && before.end >= end) return 'repeated'
    // Repeats of other lengths overlap: without a bound of its own that could be any amount.
    const cost = bytes.length + 64
    if (this.#earlyCost + cost > MOST_COST * this.#windowBytes) return 'too much'
    if (before === undefined || before.end < offset) {
      if (this.#early.length >= MOST_RUNS) return 'too much'
      const parts = new GatheredBytes()
      parts.add(bytes)
      this.#early.splice(at, 0, { offset, end, parts, fin, cost })
    } else if (before.fin) return 'too much'
    else extend(before, { offset, end, bytes, fin, cost })
    this.#earlyCost += cost
    return 'early'
  }

  /** @returns false where something follows the end */
  #passEarly(): boolean {
    for (let [run] = this.#early; run !== undefined && run.offset <= this.#have; [run] = this.#early) {
      if (this.#finished && run.end > this.#have) return false
      this.#early.shift()
      this.#earlyCost -= run.cost
      let at = run.offset
      for (const part of run.parts.take()) {
        if (at + part.length > this.#have) this.#pass(at, part, false)
        at += part.length
      }
      if (run.fin && run.end > this.#have) this.#pass(at, new Uint8Array(0), true)
    }
    return !this.#finished || this.#early.length === 0
  }
}

/** @param by - begins in the run or right after it, and ends later */
function extend(
  run: Run,
  {
    offset,
    end,
    bytes,
    fin,
    cost
  }: { offset: number; end: number; bytes: Uint8Array; fin: boolean; cost: number }
): void {
  run.parts.add(bytes.subarray(run.end - offset))
  run.end = end
  run.fin = fin
  run.cost += cost
}
