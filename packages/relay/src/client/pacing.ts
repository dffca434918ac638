import { monotonic } from '../monotonic.ts'
import type { PathInfo } from '../paths/path.ts'
import type { ClientTimes } from './options.ts'

const MOST_RETRIES = 60
/** A path that failed so soon did not carry much; after some of them in a row, whoever makes them fail is not asked at once again. */
const SHORT_MS = 5_000
const MOST_SHORT = 5
/** A direct path that carried bytes for so long was a good one. */
const PROVEN_MS = 60_000

/** How soon a connection looks for another path, by how those before have fared. All in milliseconds. */
export class Pacing {
  readonly #times: ClientTimes
  /** Searches in a row that came to nothing. */
  #retries = 0
  /** Direct ways that were taken and then failed soon, in a row: there are networks that let only small packets through. */
  #directFailures = 0
  #directSince: number | null = null
  /** Paths that failed soon, or that a relay wished to end soon, in a row. */
  #shortLived = 0
  #joinedAt = 0

  constructor(times: ClientTimes) {
    this.#times = times
  }

  /** There is another path. */
  joined(): void {
    this.#retries = 0
    this.#joinedAt = monotonic()
  }

  /** The connection goes another way, or none. */
  moved(path: PathInfo | null): void {
    const now = monotonic()
    const since = this.#directSince
    this.#directSince = path?.relay === null ? (since ?? now) : null
    if (since !== null && this.#directSince === null)
      this.#directFailures = now - since < PROVEN_MS ? this.#directFailures + 1 : 1
  }

  /** The relay in between goes down. @returns how long to wait before another path is looked for */
  left(): number {
    this.#retries = 0
    return this.#shortPause(monotonic() - this.#joinedAt)
  }

  /**
   * A path has failed, and there is none. @param hasRelays - where a direct path fails there is a relay, which is asked at once
   *
   * @returns how long to wait before another one is looked for
   */
  failed({ relay }: PathInfo, hasRelays: boolean): number {
    const lasted = monotonic() - this.#joinedAt
    this.#retries = 0
    if (relay === null && hasRelays) return 0
    return this.#shortPause(lasted)
  }

  /** A search came to nothing. @returns until the next one */
  retryMs(): number {
    return this.#pause(Math.max(this.#retries++, this.#directFailures))
  }

  /** Until a better path is looked for, where one was just joined. */
  get upgradeMs(): number {
    return this.#pause(this.#directFailures)
  }

  /** How long direct paths wait for a relay: where they fail, one that is far away must not lose to them. */
  get directDelayMs(): number {
    const { staggerMs, attemptMs } = this.#times
    return this.#directFailures === 0 ? 0 : Math.min(attemptMs, 2 * staggerMs * 2 ** this.#directFailures)
  }

  #shortPause(lasted: number): number {
    this.#shortLived = lasted < SHORT_MS ? this.#shortLived + 1 : 0
    return this.#shortLived < MOST_SHORT ? 0 : this.#pause(this.#shortLived - MOST_SHORT)
  }

  #pause(failures: number): number {
    return this.#times.retryMs * Math.min(2 ** failures, MOST_RETRIES)
  }
}
