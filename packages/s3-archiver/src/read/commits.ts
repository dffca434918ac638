import { decodeCommit, hashOf, type Commit } from '../format/commit.ts'
import { commitName, COMMITS, commitSeq, GIVEN_UP, givenUpName } from '../format/names.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { damaged, readObject } from './objects.ts'

/** A commit in its store. */
export interface StoredCommit {
  commit: Commit
  hash: Uint8Array
}

/** A moment of an archive: a commit, or the last one that was made by a time of the store's clock, in ms since 1970. */
export type Moment = { seq: number } | { timeMs: number }

/** The newest commit of an archive; `null` of one that is empty. Cost: a list and a get. */
export async function newestCommit(
  store: ObjectStore,
  options: CallOptions = {}
): Promise<StoredCommit | null> {
  for await (const { name } of store.list(COMMITS, { ...options, limit: 1 }))
    return commitAt(store, seqOf(name), options)
  return null
}

/**
 * The newest commit that is not younger than a moment. Those that were pruned are passed over.
 *
 * @returns `null` when the archive begins later. Cost: lists of all commits, and a get
 */
export async function commitAsOf(
  store: ObjectStore,
  moment: Moment,
  options: CallOptions = {}
): Promise<StoredCommit | null> {
  // A commit has an author's time, too; but a clock that was wrong once would mislead about all that follow.
  for await (const { seq, modifiedMs } of listed(store, options))
    if ('seq' in moment ? seq <= moment.seq : modifiedMs <= moment.timeMs)
      return commitAt(store, seq, options)
  return null
}

/** Numbers of all commits that can be restored, the newest first. */
export async function commitSeqs(store: ObjectStore, options: CallOptions = {}): Promise<number[]> {
  const seqs: number[] = []
  for await (const { seq } of listed(store, options)) seqs.push(seq)
  return seqs
}

async function* listed(
  store: ObjectStore,
  options: CallOptions
): AsyncGenerator<{ seq: number; modifiedMs: number }> {
  const givenUp = new Set<string>()
  for await (const { name } of store.list(GIVEN_UP, options)) givenUp.add(name)
  for await (const { name, modifiedMs } of store.list(COMMITS, options))
    if (!givenUp.has(givenUpName(name))) yield { seq: seqOf(name), modifiedMs }
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when it is not there, or another one */
export async function commitAt(
  store: ObjectStore,
  seq: number,
  options: CallOptions = {}
): Promise<StoredCommit> {
  const bytes = await readObject(store, commitName(seq), options)
  if (bytes === null) throw damaged('a commit of it is missing')
  const commit = decodeCommit(bytes)
  if (commit.seq !== seq) throw damaged('a commit stands where another belongs')
  return { commit, hash: hashOf(bytes) }
}

function seqOf(name: string): number {
  const seq = commitSeq(name)
  if (seq === null) throw damaged('among the commits lies what is none')
  return seq
}
