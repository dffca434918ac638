import { EMPTY_MESSAGE_BYTES } from '../flow/flow-frames.ts'
import { monotonic } from '../monotonic.ts'
import { Alarm } from './alarm.ts'
import type { Liveness } from './liveness.ts'
import type { SessionTimes } from './times.ts'

/** So long nothing was sent or received, nor waits: then paths are asked less often. */
const IDLE_MS = 60_000

/** What a {@link Watch} sees, and tells. */
export interface Watched {
  paths(): Iterable<readonly [number, { readonly liveness: Liveness }]>
  /** Something is under way. */
  isBusy(): boolean
  /** Ask on this path whether the other side is there. */
  onprobe(path: number): void
  ondead(path: number): void
  /** There has been no path for too long. */
  onlost(): void
}

/** Watches over the paths of a session: wakes when something is due, which on an idle connection is seldom. */
export class Watch {
  readonly #times: SessionTimes
  readonly #watched: Watched
  readonly #alarm = new Alarm(() => this.#ontime())
  #busyAt = monotonic()
  #lostAt = Infinity

  constructor(times: SessionTimes, watched: Watched) {
    this.#times = times
    this.#watched = watched
  }

  /** So many bytes go or come. Hypercore has every stream say an empty message each 5 s: with those a connection would never come to rest. */
  used(bytes: number): void {
    if (bytes <= EMPTY_MESSAGE_BYTES) return
    const now = monotonic()
    const wasIdle = now - this.#busyAt > IDLE_MS
    this.#busyAt = now
    if (wasIdle) this.#wake()
  }

  /** A path came or went. @returns whether there is none left, since now */
  changed(hasPath: boolean): boolean {
    const isNews = !hasPath && this.#lostAt === Infinity
    if (hasPath) this.#lostAt = Infinity
    else if (isNews) this.#lostAt = monotonic() + this.#times.graceMs
    this.#wake()
    return isNews
  }

  /** For good. */
  stop(): void {
    this.#alarm.stop()
  }

  #ontime(): void {
    const now = monotonic()
    if (this.#watched.isBusy()) this.#busyAt = now
    const idle = now - this.#busyAt > IDLE_MS
    for (const [path, { liveness }] of this.#watched.paths()) {
      const wish = liveness.tick(now, idle)
      if (wish === 'probe') this.#watched.onprobe(path)
      if (wish === 'dead') this.#watched.ondead(path)
    }
    if (now >= this.#lostAt) this.#watched.onlost()
    else this.#wake()
  }

  #wake(): void {
    const idle = monotonic() - this.#busyAt > IDLE_MS
    const due = Array.from(this.#watched.paths(), ([, { liveness }]) => liveness.dueAt(idle))
    this.#alarm.wakeBy(Math.min(this.#lostAt, ...due))
  }
}
