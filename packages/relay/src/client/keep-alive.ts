/** Milliseconds. */
export interface KeepAliveOptions {
  first: number
  most: number
}

/** Pings at one interval that must be answered before a longer one is tried. */
const STEADY = 3

/**
 * How often a standing connection says that it is there.
 *
 * As seldom as the network lets it: a telephone wakes its radio for every ping. It starts with an interval that every NAT keeps open for TCP,
 * grows by half while pings are answered, and when a connection was found dead it stays below the interval that was too long.
 */
export class KeepAlive {
  readonly #first: number
  #ceiling: number
  #interval: number
  #answered = 0

  constructor({ first, most }: KeepAliveOptions) {
    this.#first = Math.min(first, most)
    this.#ceiling = most
    this.#interval = this.#first
  }

  /** Until the next ping. */
  get intervalMs(): number {
    return this.#interval
  }

  /** A ping was answered. */
  answered(): void {
    this.#answered++
    if (this.#answered < STEADY) return
    this.#answered = 0
    this.#interval = Math.min(Math.round(this.#interval * 1.5), this.#ceiling)
  }

  /** A ping was not answered: something in between had forgotten the connection. */
  lost(): void {
    this.#answered = 0
    if (this.#interval <= this.#first) return
    this.#ceiling = Math.max(this.#first, Math.round(this.#interval / 1.5))
    this.#interval = this.#ceiling
  }
}
