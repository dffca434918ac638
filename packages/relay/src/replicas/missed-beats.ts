import type { Heartbeat } from './heartbeat.ts'
import type { ReplicaView } from './replica-view.ts'

/** A timer that comes so late has waited for a process that was held up, or asleep: it has not read yet what it was told meanwhile. */
const HELD_UP_MS = 250

/** Tells of each replica once when it has missed three beats, until it is heard again. */
export class MissedBeats {
  readonly #view: ReplicaView
  readonly #now: () => number
  readonly #onmissed: (last: Heartbeat) => void
  readonly #told = new WeakSet<Heartbeat>()
  #timer: unknown = null

  /** @param now - the clock of the view */
  constructor(view: ReplicaView, now: () => number, onmissed: (last: Heartbeat) => void) {
    this.#view = view
    this.#now = now
    this.#onmissed = onmissed
  }

  /** A beat was heard: from now on one that follows can be missed. */
  watch(): void {
    if (this.#timer !== null) return
    const at = this.#view.nextDeath()
    if (at < Number.POSITIVE_INFINITY) this.#at(at)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = null
  }

  #at(at: number): void {
    const wait = Math.max(1, Math.ceil(at - this.#now()))
    this.#timer = setTimeout(() => {
      this.#timer = null
      const now = this.#now()
      if (now > at + HELD_UP_MS) return this.#at(now + HELD_UP_MS)
      this.#tell()
      this.watch()
    }, wait)
  }

  #tell(): void {
    for (const last of this.#view.missing()) {
      if (this.#told.has(last)) continue
      this.#told.add(last)
      this.#onmissed(last)
    }
  }
}
