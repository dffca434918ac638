import { nameOf } from '../keys.ts'
import type { Heartbeat } from './heartbeat.ts'

/** A load that differs by so much is news. */
const NEWS = 0.1

/** What devices were told of each replica last; else than that is news, which they hear at once, but of another replica not more than once an interval. */
export class BeatNews {
  /** By replica. */
  readonly #told = new Map<string, Heartbeat>()
  /** When the next news of a replica may be told. */
  readonly #dueAt = new Map<string, number>()

  /** Whether devices should hear it now. */
  isNews({ replica, epoch, draining, load }: Heartbeat): boolean {
    const told = this.#told.get(nameOf(replica))
    if (told === undefined || told.epoch !== epoch || told.draining !== draining) return true
    return Math.abs(told.load - load) >= NEWS
  }

  /** Whether it is news, and the last one is long enough ago: whoever has taken a replica over makes no others wake their devices without end. */
  isDue(beat: Heartbeat, now: number): boolean {
    return this.isNews(beat) && now >= (this.#dueAt.get(nameOf(beat.replica)) ?? now)
  }

  /**
   * They have heard this one.
   *
   * @param dueAt - when they may hear the next one
   */
  tell(beat: Heartbeat, dueAt: number): void {
    this.#told.set(nameOf(beat.replica), beat)
    this.#dueAt.set(nameOf(beat.replica), dueAt)
  }

  /** It is no replica any more. */
  forget(key: Uint8Array): void {
    this.#told.delete(nameOf(key))
    this.#dueAt.delete(nameOf(key))
  }
}
