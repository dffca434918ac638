import type { Clock } from '../clock.ts'

/** Waits between tries: so long at first, then twice as long each time. */
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

/** When to flush: a while after the first change, so that a writer who never rests is archived, too; and after a failure later and later. */
export class Schedule {
  readonly #clock: Clock
  readonly #act: () => void
  readonly #debounceMs: number
  #end: (() => void) | null = null
  #failures = 0
  #isUrgeable = false

  constructor(clock: Clock, debounceMs: number, act: () => void) {
    this.#clock = clock
    this.#debounceMs = debounceMs
    this.#act = act
  }

  /** Something has changed. */
  request(): void {
    if (this.#end !== null && !this.#isUrgeable) return
    this.#isUrgeable = false
    this.stop()
    this.#start(this.#debounceMs)
  }

  succeeded(): void {
    this.#failures = 0
  }

  /**
   * @param isPartial - what changes meanwhile need not wait for that
   * @returns after how many ms it is tried again
   */
  failed(isPartial: boolean): number {
    // Something has changed already.
    if (isPartial && this.#end !== null) return this.#debounceMs
    const ms = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++)
    this.stop()
    this.#isUrgeable = isPartial
    this.#start(ms)
    return ms
  }

  stop(): void {
    this.#end?.()
    this.#end = null
  }

  #start(ms: number): void {
    this.#end = this.#clock.after(ms, () => {
      this.#end = null
      this.#act()
    })
  }
}
