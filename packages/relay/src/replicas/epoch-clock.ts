import { monotonic } from '../monotonic.ts'

/** A clock that was set forward by more than this was behind when the replica started. */
const BEHIND_MS = 60_000

/**
 * The epochs of a replica that keeps no count of its lives: when it started, by its clock. A machine without a clock of its own may start before it has asked for the
 * time, with a lower epoch than in its last life, and its beats count for nobody: once its clock was set, it has a new one.
 *
 * @param clock - milliseconds since 1970
 * @param steady - milliseconds since some moment, of a clock that nobody sets
 * @param least - the first one is not below it
 * @returns which epoch it is now
 */
export function epochClock(clock: () => number, steady: () => number = monotonic, least = 0): () => number {
  let epoch = Math.max(clock(), least)
  let ahead = clock() - steady()
  return () => {
    const now = clock()
    if (now - steady() > ahead + BEHIND_MS) {
      ahead = now - steady()
      epoch = Math.max(epoch + 1, now)
    }
    return epoch
  }
}
