import { monotonic } from '../monotonic.ts'

/** Timers overflow beyond: then it wakes for nothing, now and then. */
const MOST_MS = 2 ** 31 - 1

/** Wakes at the earliest moment that was asked for, and not before: a telephone sleeps meanwhile. */
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
    this.#timer = setTimeout(
      () => {
        this.#at = Infinity
        this.#ontime()
      },
      Math.min(Math.max(1, Math.ceil(at - monotonic())), MOST_MS)
    )
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
