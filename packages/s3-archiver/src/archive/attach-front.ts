import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import type { Front } from '../format/commit.ts'
import { blindIdOf } from '../format/names.ts'
import { sealRecord } from '../format/record.ts'
import type { Workshop } from './round.ts'

/** Makes a commit that holds the front of a core's read pack, and by which it is found from then on. @returns the commit's number */
export async function attachFront(
  { log, ledger, uploads, stop }: Workshop,
  key: Uint8Array,
  front: Omit<Front, 'blindId'>
): Promise<number> {
  const call = { signal: stop }
  await ledger.load(await log.settle(call), call)
  const { commit: before } = log.newest
  const seq = before.seq + 1
  const [entry, record] = [ledger.entryOf(key), ledger.recordOf(key)]
  if (entry === null || record === null)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'this archive holds nothing of this core')
  const entries = [sealRecord(key, seq, record, { front: seq, previous: entry.previous })]
  const directory = await ledger.directoryOf(before, seq, entries)
  await uploads.done()
  const fronts = [{ ...front, blindId: blindIdOf(key) }]
  ledger.note(await log.append({ ...directory, fronts, tail: b4a.alloc(0) }, call), entries)
  return seq
}
