/** Limits of a {@link Meter}; 0 is no limit. */
export interface MeterLimits {
  bytesPerSecond: number
  quotaBytes: number
}

/**
 * Counts bytes against a rate and a quota.
 *
 * The rate is a token bucket that holds one second's worth. It may go into debt by what was read from a socket
 * already, and says how long to wait until the debt is paid: bytes are held up, never dropped.
 */
export class Meter {
  #limits: MeterLimits
  readonly #now: () => number
  #tokens: number
  #filledAt: number
  #usedBytes = 0

  constructor(limits: MeterLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
    this.#tokens = limits.bytesPerSecond
    this.#filledAt = now()
  }

  /** 0 for no limit. */
  get bytesPerSecond(): number {
    return this.#limits.bytesPerSecond
  }

  /** Bytes spent so far. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Whether the quota is used up. */
  get spent(): boolean {
    return this.#limits.quotaBytes > 0 && this.#usedBytes >= this.#limits.quotaBytes
  }

  /** Spends. @returns milliseconds to wait before the next bytes; `null` when the quota is used up */
  spend(bytes: number): number | null {
    const { bytesPerSecond, quotaBytes } = this.#limits
    this.#usedBytes += bytes
    if (quotaBytes > 0 && this.#usedBytes > quotaBytes) return null
    if (bytesPerSecond === 0) return 0
    const now = this.#now()
    const earned = (Math.max(0, now - this.#filledAt) * bytesPerSecond) / 1000
    this.#tokens = Math.min(bytesPerSecond, this.#tokens + earned) - bytes
    this.#filledAt = now
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / bytesPerSecond)
  }
}
