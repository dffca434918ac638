import { checkArguments, RULES } from '../arguments.ts'
import type { S3ArchiverError } from '../errors.ts'
import { COMMITS, commitSeq, GIVEN_UP, givenUpName } from '../format/names.ts'
import { readHeadIn } from '../read/archive-reader.ts'
import { commitAt } from '../read/commits.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

/** A state of an archive that can be restored. */
export interface ArchiveMoment {
  /** Of its commit. */
  seq: number
  /** By the store's clock, in ms since 1970. */
  timeMs: number
  /** Of the core whose key was given; `null` while the archive did not have it. */
  core: { fork: number; length: number } | null
}

/** All states of an archive that can be restored, the newest first. Cost: lists; with a key one to four gets for each. @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export async function* moments(
  store: ObjectStore,
  options: CallOptions & { key?: Uint8Array } = {}
): AsyncGenerator<ArchiveMoment> {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  checkArguments(options, { key: RULES.key, signal: RULES.signal })
  const { key, ...call } = options
  const givenUp = new Set<string>()
  for await (const { name } of store.list(GIVEN_UP, call)) givenUp.add(name)
  for await (const { name, modifiedMs } of store.list(COMMITS, call)) {
    const seq = commitSeq(name)
    if (seq === null || givenUp.has(givenUpName(name))) continue
    yield { seq, timeMs: modifiedMs, core: key === undefined ? null : await coreAt(store, key, seq, call) }
  }
}

async function coreAt(
  store: ObjectStore,
  key: Uint8Array,
  seq: number,
  call: CallOptions
): Promise<ArchiveMoment['core']> {
  try {
    const { record } = await readHeadIn(store, key, await commitAt(store, seq, call), call)
    return { fork: record.fork, length: record.length }
  } catch (error) {
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_NOT_ARCHIVED') return null
    throw error
  }
}
