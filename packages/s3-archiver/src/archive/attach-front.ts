import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import type { Front } from '../format/commit.ts'
import { blindIdOf } from '../format/names.ts'
import { sealRecord } from '../format/record.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { commitEntries } from './commit-entries.ts'
import type { Workshop } from './workshop.ts'

/** Nothing may be left open: see `settle`. Makes a commit that holds the front of a core's read pack, and by which it is found from then on. @returns the commit's number */
export async function attachFront(
  shop: Workshop,
  key: Uint8Array,
  front: Omit<Front, 'blindId'>
): Promise<number> {
  const { store, log, ledger, uploads, stop } = shop
  const call = { signal: stop }
  const seq = log.newest.commit.seq + 1
  const [entry, record] = [ledger.entryOf(key), ledger.recordOf(key)]
  if (entry === null || record === null)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'this archive holds nothing of this core')
  const entries = [sealRecord(key, seq, record, { front: seq, previous: entry.previous })]
  const content = { fronts: [{ ...front, blindId: blindIdOf(key) }], tail: b4a.alloc(0) }
  // It may have waited for long; then its pages may be gone.
  const checkPages = (): Promise<void> => checkThere(store, front.objects, call)
  if ((await commitEntries(shop, uploads.begin().isInTime, entries, content, checkPages)) !== null) return seq
  throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', 'it was paused for too long; try again', {
    retryable: true
  })
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
async function checkThere(store: ObjectStore, names: readonly string[], call: CallOptions): Promise<void> {
  for (const name of names)
    if ((await store.head(name, call)) === null)
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'a page that this front points to is not there')
}
