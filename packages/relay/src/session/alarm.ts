import { monotonic } from '../monotonic.ts'

/** Timers overflow beyond: then it wakes for nothing, now and then. */
const MOST_MS = 2 ** 31 - 1

/** A process that wakes so much later was held up itself. */
const LATE_MS = 100

/**
 * Wakes at the earliest moment that was asked for, and not before: a telephone sleeps meanwhile.
 *
 * Where the process was held up, by its app or by the machine, what waits in its sockets is read first: timers come before it, and would find silence
 * where there was none.
 */
export class Alarm {
  readonly #ontime: () => void
  #timer: unknown = null
  #at = Infinity
  #stopped = false

  constructor(ontime: () => void) {
    this.#ontime = ontime
  }

  /** @param at - on the monotonic clock; Infinity for never */
  wakeBy(at: number): void {
    if (at >= this.#at || this.#stopped) return
    clearTimeout(this.#timer)
    this.#at = at
    const delayMs = Math.min(Math.max(1, Math.ceil(at - monotonic())), MOST_MS)
    const dueAt = monotonic() + delayMs
    this.#timer = setTimeout(() => {
      if (monotonic() - dueAt < LATE_MS) this.#fire()
      else this.#timer = setTimeout(() => this.#fire(), 1)
    }, delayMs)
  }

  #fire(): void {
    this.#at = Infinity
    this.#ontime()
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
