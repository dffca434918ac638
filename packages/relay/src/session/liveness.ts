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
   * A side that only receives probes too: the other one hears of it, and its own question may wait behind the bytes it sends.
   *
   * @param idle - nothing has been sent or received for a while, and nothing waits
   */
  tick(now: number, idle: boolean): Wish {
    if (now >= this.#deadAt) return 'dead'
    if (now < this.#probeAt(idle)) return 'nothing'
    this.#probedAt ??= now
    this.#sentAt = now
    return 'probe'
  }

  /** When there will be something to do, if nothing happens meanwhile. */
  dueAt(idle: boolean): number {
    return Math.min(this.#deadAt, this.#probeAt(idle))
  }

  get #deadAt(): number {
    return this.#probedAt === null ? Infinity : this.#probedAt + this.#times.deadMs
  }

  #probeAt(idle: boolean): number {
    const every = idle ? this.#times.idleProbeMs : this.#times.probeMs
    return (this.#probedAt === null ? Math.min(this.#heardAt, this.#sentAt) : this.#sentAt) + every
  }
}
