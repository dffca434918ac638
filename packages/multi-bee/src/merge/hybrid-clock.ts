/** A hybrid logical time: wall-clock milliseconds (48 bits) and a counter (16 bits) for what happens within one. */
export interface Timestamp {
  ms: number
  counter: number
}

/** How far, in ms, another device's clock may pull this one's time ahead. Also the bound past which skew is reported. */
export const MAX_SKEW_MS = 60_000

const MAX_MS = 2 ** 48 - 1
const MAX_COUNTER = 2 ** 16 - 1

/**
 * Hybrid logical clock (Kulkarni et al., "Logical physical clocks", OPODIS 2014), with two changes: what is received never pushes
 * it beyond now + {@link MAX_SKEW_MS}, and a full counter borrows the next millisecond instead of failing.
 *
 * Its time is durable because it is only used in op-log blocks: start it with the time of the log's last block.
 */
export class HybridClock {
  readonly #now: () => number
  #last: Timestamp

  constructor(now: () => number, last: Timestamp = { ms: 0, counter: 0 }) {
    this.#now = now
    this.#last = last
  }

  /** The next time of this device: later than every time it has given out, until the 48 bits end; then the last there is. */
  tick(): Timestamp {
    const now = this.now()
    if (now > this.#last.ms) this.#last = { ms: now, counter: 0 }
    else if (this.#last.counter < MAX_COUNTER)
      this.#last = { ms: this.#last.ms, counter: this.#last.counter + 1 }
    else if (this.#last.ms < MAX_MS) this.#last = { ms: this.#last.ms + 1, counter: 0 }
    return this.#last
  }

  /** Goes on after a time of this device's own, wherever that is. */
  goOnAfter(own: Timestamp): void {
    this.#raise(own)
  }

  /**
   * Takes note of another device's time.
   *
   * @returns how far that device is ahead of this clock's wall time, in ms, when beyond the bound; else 0
   */
  receive(remote: Timestamp): number {
    const now = this.now()
    const ahead = remote.ms - now
    if (ahead > MAX_SKEW_MS) {
      this.#raise({ ms: now + MAX_SKEW_MS, counter: 0 })
      return ahead
    }
    this.#raise(remote)
    return 0
  }

  /** Wall time in whole ms, inside the 48 bits whatever the injected clock says. */
  now(): number {
    const now = Math.floor(this.#now())
    return now > 0 ? Math.min(now, MAX_MS - MAX_SKEW_MS) : 0
  }

  #raise(time: Timestamp): void {
    if (isLater(time, this.#last)) this.#last = { ms: time.ms, counter: time.counter }
  }
}

export function isLater(a: Timestamp, b: Timestamp): boolean {
  return a.ms > b.ms || (a.ms === b.ms && a.counter > b.counter)
}
