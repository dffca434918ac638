import type { Clock } from '../clock.ts'
import type { Stop } from '../stop.ts'

/** What all that is uploaded passes through: it can be shut, and lets no more than so many bytes through in a second. */
export class Valve {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  /** Until when what has passed takes, in ms since 1970. */
  #busyUntilMs = 0
  /** When it was looked at the clock last: that may be set back meanwhile. */
  #lastMs = 0
  #opened: { promise: Promise<void>; open: () => void } | null = null

  /** @param bytesPerSecond - `Infinity` for no limit */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  get isShut(): boolean {
    return this.#opened !== null
  }

  shut(): void {
    if (this.#opened !== null) return
    let open = (): void => {}
    const promise = new Promise<void>((resolve) => (open = resolve))
    this.#opened = { promise, open }
  }

  open(): void {
    this.#opened?.open()
    this.#opened = null
  }

  /** Waits until so many bytes may go. @throws S3ArchiverError `S3_ARCHIVER_ABORTED` */
  async pass(bytes: number, stop: Stop): Promise<void> {
    while (this.#opened !== null) await stop.race(this.#opened.promise)
    if (this.#bytesPerSecond === Infinity) return
    const now = this.#clock.now()
    this.#busyUntilMs -= Math.max(0, this.#lastMs - now)
    this.#lastMs = now
    const startMs = Math.max(now, this.#busyUntilMs)
    this.#busyUntilMs = startMs + (1000 * bytes) / this.#bytesPerSecond
    if (startMs > now) await stop.wait(this.#clock, startMs - now)
  }
}
