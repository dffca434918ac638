import { S3ArchiverError } from '../errors.ts'
import { readHead, readHeadIn, readPrevious, type ArchivedCore } from '../read/archive-reader.ts'
import { commitAt, commitSeqs } from '../read/commits.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { RestorePoint } from './options.ts'

/**
 * What the archive holds of a core at a point. Cost: that of `readHead`; for a length a list of all commits, and a few gets for each halving of their number.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED` when it was not yet, and what `readHead` does
 */
export async function readPoint(
  store: ObjectStore,
  key: Uint8Array,
  at: RestorePoint | undefined,
  call: CallOptions
): Promise<ArchivedCore> {
  if (at === undefined) return readHead(store, key, call)
  if (!('length' in at)) return readHead(store, key, { ...call, at })
  const newest = await readHead(store, key, call)
  const { fork = newest.record.fork } = at
  const seqs = await commitSeqs(store, call)
  let found: ArchivedCore | null = null
  // Forks, and lengths within a fork, only grow from commit to commit.
  for (let [low, high] = [0, seqs.length]; low < high;) {
    const middle = (low + high) >> 1
    const core = await coreIn(store, key, seqs[middle] as number, call)
    const { record } = core ?? {}
    const isLater =
      record !== undefined && (record.fork > fork || (record.fork === fork && record.length > at.length))
    if (isLater) low = middle + 1
    else [found, high] = [core ?? found, middle]
  }
  if (found?.record.fork === fork) return found
  // Of lines that were given up the last states stay longer than their moments.
  for (let line: ArchivedCore | null = newest; line !== null; line = await readPrevious(store, line, call))
    if (line.record.fork === fork && line.record.length <= at.length) return line
  throw new S3ArchiverError(
    'S3_ARCHIVER_NOT_ARCHIVED',
    `this archive has no state of the core on fork ${fork} with at most ${at.length} blocks`
  )
}

/** `null` when the core was not archived yet. */
async function coreIn(
  store: ObjectStore,
  key: Uint8Array,
  seq: number,
  call: CallOptions
): Promise<ArchivedCore | null> {
  try {
    return await readHeadIn(store, key, await commitAt(store, seq, call), call)
  } catch (error) {
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_NOT_ARCHIVED') return null
    throw error
  }
}
