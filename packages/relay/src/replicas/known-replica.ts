import { BEATS_TO_MISS, type Heartbeat, isAfter, type Moment } from './heartbeat.ts'

/** A beat may be late by so much of its interval before it is missed: networks and timers are not exact. */
const LATENESS = 0.5
const FIRST_BACKOFF_MS = 1000
export const LONGEST_BACKOFF_MS = 60_000
const LONGEST_ASKED_MS = 3_600_000

/**
 * What is known of a replica: `unheard` – in the set, and no beat yet; `alive`; `draining` – alive, and asks everyone to move;
 * `dead` – missed three beats, here or where it was listened to; `failed` – could not be reached from here, whatever its beats say, and has not been tried again.
 */
export type ReplicaState = 'unheard' | 'alive' | 'draining' | 'dead' | 'failed'

/** What was heard of one replica, and how it went to reach it. All moments are of one clock, in milliseconds. */
export class KnownReplica {
  #beat: Heartbeat | null = null
  #heardAt = 0
  #reachedAt: number = Number.NEGATIVE_INFINITY
  /** Somebody has missed three beats after that one. */
  #missedAfter: Moment | null = null
  #failures = 0
  #failedUntil: number = Number.NEGATIVE_INFINITY

  /** The newest beat, or null. */
  get beat(): Heartbeat | null {
    return this.#beat
  }

  /** Until when it is left out. */
  get failedUntil(): number {
    return this.#failedUntil
  }

  /** Whether such a beat would say anything new. */
  isNew(moment: Moment): boolean {
    return this.#beat === null || isAfter(moment, this.#beat)
  }

  /** Takes a beat that is new. */
  hear(beat: Heartbeat, now: number): void {
    // A new life is another chance.
    if (this.#beat !== null && beat.epoch > this.#beat.epoch) this.forgive()
    this.#beat = beat
    this.#heardAt = now
  }

  /** It could not be reached. @returns for how many milliseconds it is left out */
  failed(now: number, leastMs: number): number {
    const doubled = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures)
    const backoff = Math.max(doubled, Math.min(leastMs, LONGEST_ASKED_MS))
    this.#failures++
    this.#failedUntil = now + backoff
    return backoff
  }

  /** It was reached, which counts as a beat. */
  reached(now: number): void {
    this.forgive()
    this.#heardAt = now
    this.#reachedAt = now
    this.#missedAfter = null
  }

  /**
   * Somebody who listens to it has missed three of its beats. Whoever has heard a later one, or has reached it, within one of them, knows better. Of one that was heard
   * before there may have been nobody left to hear the next: it may have been said to this device alone, just before the end.
   *
   * @returns whether it counts as dead now, until a later one is heard, or it is reached
   */
  missed(last: Moment, now: number): boolean {
    const beat = this.#beat
    const isBehind = beat !== null && isAfter(beat, last)
    const knownAt = Math.max(this.#reachedAt, isBehind ? this.#heardAt : Number.NEGATIVE_INFINITY)
    if (now < knownAt + (beat?.intervalMs ?? 0)) return false
    this.#missedAfter = isBehind ? beat : last
    return true
  }

  /** @param hearingMs - how much time passes at least between two beats that are heard */
  state(now: number, hearingMs: number): ReplicaState {
    if (now < this.#failedUntil) return 'failed'
    if (this.#beat === null) return 'unheard'
    if (this.#isMissed(this.#beat) || now >= this.deadAt(hearingMs)) return 'dead'
    return this.#beat.draining ? 'draining' : 'alive'
  }

  #isMissed(beat: Moment): boolean {
    return this.#missedAfter !== null && !isAfter(beat, this.#missedAfter)
  }

  /** It may be tried again. */
  forgive(): void {
    this.#failures = 0
    this.#failedUntil = Number.NEGATIVE_INFINITY
  }

  /** When it is dead if nothing is heard until then. */
  deadAt(hearingMs: number): number {
    if (this.#beat === null) return Number.NEGATIVE_INFINITY
    return this.#heardAt + Math.max(this.#beat.intervalMs, hearingMs) * (BEATS_TO_MISS + LATENESS)
  }
}
