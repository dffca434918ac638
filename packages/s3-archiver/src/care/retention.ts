import { badArgument, checkArguments, least } from '../arguments.ts'

/** Which moments of an archive are kept. A commit that any of these names is; the newest one always is. */
export interface Retention {
  /** The last so many. @defaultValue 1 */
  last?: number
  /** The last one of each of the last so many days, weeks or months that have one, in UTC. @defaultValue 0 */
  daily?: number
  weekly?: number
  monthly?: number
}

const DAY_MS: number = 24 * 60 * 60 * 1000
/** 1970 began on a Thursday; weeks begin on Mondays. */
const MONDAY_MS: number = 4 * DAY_MS

/** The period that a time lies in. */
const PERIODS: Record<'daily' | 'weekly' | 'monthly', (timeMs: number) => string> = {
  daily: (timeMs) => `${Math.floor(timeMs / DAY_MS)}`,
  weekly: (timeMs) => `${Math.floor((timeMs - MONDAY_MS) / (7 * DAY_MS))}`,
  monthly: (timeMs) => new Date(timeMs).toISOString().slice(0, 7)
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export function checkRetention(keep: Retention): void {
  checkArguments({ keep }, { keep: { is: (value) => typeof value === 'object', says: 'rules' } }, ['keep'])
  checkArguments(keep, { last: least(0), daily: least(0), weekly: least(0), monthly: least(0) })
  for (const name of Object.keys(keep))
    if (name !== 'last' && !(name in PERIODS)) throw badArgument(`\`keep.${name}\` is no rule`)
}

/** Those of some commits that are kept. @param commits - the newest first */
export function retained<T extends { timeMs: number }>(commits: readonly T[], keep: Retention): Set<T> {
  const kept = new Set(commits.slice(0, Math.max(1, keep.last ?? 1)))
  for (const [rule, periodOf] of Object.entries(PERIODS)) {
    const periods = new Set<string>()
    for (const commit of commits) {
      if (periods.size >= (keep[rule as keyof typeof PERIODS] ?? 0)) break
      const period = periodOf(commit.timeMs)
      if (!periods.has(period)) kept.add(commit)
      periods.add(period)
    }
  }
  return kept
}
