/** Milliseconds. */
export interface LivenessTimes {
  probeMs: number
  idleProbeMs: number
  deadMs: number
}

/** What to do about a path now. */
export type Wish = 'nothing' | 'probe' | 'dead'

/** Whether a path is alive: asks when it was silent, and gives up when no answer comes. */
export class Liveness {
  readonly #times: LivenessTimes
  #heardAt: number
  #sentAt: number
  #probedAt: number | null = null

  constructor(times: LivenessTimes, now: number) {
    this.#times = times
    this.#heardAt = now
    this.#sentAt = now
  }

  heard(now: number): void {
    this.#heardAt = now
    this.#probedAt = null
  }

  sent(now: number): void {
    this.#sentAt = now
  }

  /**
   * Called every so often.
   *
   * A side that only receives probes too: the other one hears of it, and its own question may wait behind the bytes it sends.
   *
   * @param idle - nothing has been sent or received for a while, and nothing waits
   */
  tick(now: number, idle: boolean): Wish {
    const { probeMs, idleProbeMs, deadMs } = this.#times
    const every = idle ? idleProbeMs : probeMs
    if (this.#probedAt !== null && now - this.#probedAt >= deadMs && now - this.#heardAt >= deadMs)
      return 'dead'
    const silent = now - this.#heardAt >= every || now - this.#sentAt >= every
    if (!silent || (this.#probedAt !== null && now - this.#sentAt < every)) return 'nothing'
    this.#probedAt ??= now
    return 'probe'
  }
}
