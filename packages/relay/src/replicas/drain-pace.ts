import { checkWhole } from '../arguments.ts'

/** How a replica that drains asks its sessions to move. */
export interface DrainPaceOptions {
  /** When the drain began, by the same clock as all that follows. Milliseconds. */
  startedAt: number
  /** In how many milliseconds everyone has been asked. */
  durationMs: number
}

/**
 * Spreads a drain over time: all at once would be a herd. Nobody is cut off by it: whoever was asked leaves once it is well elsewhere, and the
 * replica closes when the last one has left, or when its operator's patience ends.
 */
export class DrainPace {
  readonly #startedAt: number
  readonly #durationMs: number

  /** @throws RelayError `RELAY_BAD_ARGUMENT` */
  constructor({ startedAt, durationMs }: DrainPaceOptions) {
    checkWhole(durationMs, 'the duration')
    this.#startedAt = startedAt
    this.#durationMs = durationMs
  }

  /**
   * How many more are to be asked now.
   *
   * @param asked - how many were asked since the drain began
   * @param waiting - how many are there that were not asked yet
   */
  due(now: number, asked: number, waiting: number): number {
    const elapsed = Math.max(0, now - this.#startedAt)
    if (elapsed >= this.#durationMs) return waiting
    const share = elapsed / this.#durationMs
    return Math.max(0, Math.min(waiting, Math.floor(share * (asked + waiting)) - asked))
  }
}
