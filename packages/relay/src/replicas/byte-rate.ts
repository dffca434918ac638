/** Of what was measured before, so much counts after another second: 2 s of rest halve it. */
const KEPT_PER_SECOND = Math.SQRT1_2

/** Bytes a second, as an exponential average: a burst of a moment is no load. */
export class ByteRate {
  #bytes = 0
  #at: number
  #rate = 0

  /** @param now - milliseconds, of any clock; the same for all calls */
  constructor(now: number) {
    this.#at = now
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** Closes the interval since the last call. @returns bytes a second */
  sample(now: number): number {
    const seconds = (now - this.#at) / 1000
    if (seconds <= 0) return this.#rate
    const kept = KEPT_PER_SECOND ** seconds
    this.#rate = this.#rate * kept + (this.#bytes / seconds) * (1 - kept)
    this.#at = now
    this.#bytes = 0
    return this.#rate
  }
}
