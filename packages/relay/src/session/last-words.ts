import { monotonic } from '../monotonic.ts'

/** So many at most: the oldest goes first. */
const MOST = 256

/** What is remembered of sessions that have ended, for a while. It has no timer: a process that has nothing else to do ends. */
export class LastWords<Ended> {
  readonly #keptMs: number
  #kept: readonly { readonly ended: Ended; readonly until: number }[] = []

  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  add(ended: Ended): void {
    this.#kept = [...this.#kept.slice(1 - MOST), { ended, until: monotonic() + this.#keptMs }]
  }

  find(where: (ended: Ended) => boolean): Ended | null {
    const now = monotonic()
    this.#kept = this.#kept.filter(({ until }) => until > now)
    return this.#kept.find(({ ended }) => where(ended))?.ended ?? null
  }

  /** Forgets all. */
  clear(): void {
    this.#kept = []
  }
}
