import type { Clock } from '../src/index.ts'

/** A clock that stands still until it is moved; then what is due is called, in order. */
export class ManualClock implements Clock {
  #now = 1_700_000_000_000
  #timers: { atMs: number; callback: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#now + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** How long until the next one is due; `null` for none. */
  get nextMs(): number | null {
    const first = this.#first()
    return first === undefined ? null : first.atMs - this.#now
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (let timer = this.#first(); timer !== undefined && timer.atMs <= end; timer = this.#first()) {
      this.#now = timer.atMs
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      timer.callback()
    }
    this.#now = end
  }

  #first(): { atMs: number; callback: () => void } | undefined {
    return this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]
  }
}
