const SECONDS = 60
const SECOND_MS = 1000

/** Bytes of each of the last 60 seconds. */
export class Throughput {
  readonly #now: () => number
  readonly #buckets: number[] = Array.from({ length: SECONDS }, () => 0)
  /** The second that is under way. */
  #second: number

  /** @param now - milliseconds */
  constructor(now: () => number) {
    this.#now = now
    this.#second = Math.floor(now() / SECOND_MS)
  }

  add(bytes: number): void {
    this.#advance()
    const at = this.#second % SECONDS
    this.#buckets[at] = (this.#buckets[at] ?? 0) + bytes
  }

  /** Of whole seconds, the oldest one first; the one that is under way is left out. */
  get perSecond(): number[] {
    this.#advance()
    return Array.from({ length: SECONDS - 1 }, (_, i) => this.#buckets[(this.#second + 1 + i) % SECONDS] ?? 0)
  }

  #advance(): void {
    const second = Math.floor(this.#now() / SECOND_MS)
    // A clock that was set back stays where it is until it is there again.
    const passed = Math.min(second - this.#second, SECONDS)
    for (let i = 1; i <= passed; i++) this.#buckets[(second - passed + i) % SECONDS] = 0
    if (passed > 0) this.#second = second
  }
}
