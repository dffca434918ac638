import type { Commit } from '../format/commit.ts'
import type { Entry } from '../format/entry.ts'
import type { StoredCommit } from '../read/commits.ts'
import type { Workshop } from './workshop.ts'

/** What a commit is made with. */
export type CommitTools = Pick<Workshop, 'log' | 'ledger' | 'uploads' | 'valve' | 'stop'>

/**
 * Makes a commit that says what has changed of some cores, once all that was uploaded for it is durable.
 *
 * @param isInTime - of `Uploads.begin`: whether what was uploaded since can still be named
 * @param onAppend - called before the commit is made; what it throws keeps it from being made
 * @returns `null` when it took too long: what was uploaded may be gone, so all is to be done anew
 * @throws S3ArchiverError what `CommitLog.append` does
 */
export async function commitEntries(
  { log, ledger, uploads, valve, stop }: CommitTools,
  isInTime: () => boolean,
  entries: readonly Entry[],
  { fronts, tail }: Pick<Commit, 'fronts' | 'tail'>,
  onAppend: () => Promise<void> | void = () => {}
): Promise<StoredCommit | null> {
  const { commit: before } = log.newest
  const directory = await ledger.directoryOf(before, before.seq + 1, entries)
  await uploads.done()
  await valve.pass(tail.byteLength, stop)
  if (!isInTime()) return null
  await onAppend()
  const stored = await log.append({ ...directory, fronts, tail }, { signal: stop })
  ledger.note(stored, entries)
  return stored
}
