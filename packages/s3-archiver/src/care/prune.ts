import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { S3ArchiverError } from '../errors.ts'
import { COMMITS, commitSeq, GIVEN_UP, givenUpName } from '../format/names.ts'
import { commitAt } from '../read/commits.ts'
import type { CallOptions, ObjectInfo, ObjectStore } from '../store/object-store.ts'
import { kindOf, Reach } from './reach.ts'
import { checkRetention, retained, type Retention } from './retention.ts'

/** What may still be named by a commit on its way is younger than this. */
const LEAST_AGE_MS: number = 24 * 60 * 60 * 1000

export interface PruneOptions extends CallOptions {
  keep: Retention
  /** Whether the last state of each line that a core has given up is kept, too, when a moment that is kept came of it. @defaultValue true */
  keepLines?: boolean
  /** What is younger stays, in ms by the store's clock; at least a day. @defaultValue a day */
  minAgeMs?: number
  /** Only tells what would be removed. @defaultValue false */
  dryRun?: boolean
  onProgress?: (progress: { deleted: number; of: number }) => void
}

/** What was removed, or would be. */
export interface Pruned {
  /** Commits that can be restored from now on. */
  kept: number
  commits: number
  objects: number
  /** Of commits and objects. */
  bytes: number
}

interface Listed extends ObjectInfo {
  timeMs: number
}

/**
 * Removes moments of an archive that no rule keeps, and all objects that no other moment needs. Needs no key, and the right to delete, which an archiver
 * need not have. Safe beside an archiver and readers: what is younger than `minAgeMs`, and the newest commit, stay; a reader of a moment that goes meanwhile
 * is told that the archive is damaged there, and finds the newest one. After a crash the next one goes on.
 *
 * Cost: a list of all objects, a get for each moment that is kept and what it refers to, a delete for each object.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT`, `S3_ARCHIVER_DAMAGED` when a moment that is kept lacks something: then nothing is removed; and what
 * the store throws
 */
export async function prune(store: ObjectStore, options: PruneOptions): Promise<Pruned> {
  const { keep, keepLines = true, minAgeMs = LEAST_AGE_MS, dryRun = false, onProgress, ...call } = options
  checkRetention(keep)
  if (!(minAgeMs >= LEAST_AGE_MS))
    throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', '`minAgeMs` is at least a day')
  // Its own clock, since it is compared with what the store says of its objects; before anything is listed.
  const nowMs = await timeOf(store, call)
  const isOld = ({ modifiedMs }: ObjectInfo): boolean => nowMs - modifiedMs >= minAgeMs
  const objects: ObjectInfo[] = []
  for (const folder of ['s/', 'x/', 'p/'])
    for await (const info of store.list(folder, call))
      if (isOld(info) && kindOf(info.name) !== null) objects.push(info)
  // After the objects: what is listed above, and old, was named before now or never will be.
  const reach = new Reach(store, call, keepLines)
  const { kept, commits, carriers } = await mark(store, reach, keep, isOld, call)
  const garbage = [...commits, ...objects].filter(({ name }) => !reach.has(name))
  const bytes = garbage.reduce((sum, { size }) => sum + size, 0)
  const gone = garbage.filter(({ name }) => commitSeq(name) !== null).length
  const result = { kept, commits: gone, objects: garbage.length - gone, bytes }
  if (dryRun) return result
  // What is there only for others must not be taken for a moment that can be restored.
  for (const { name } of carriers) await store.putIfAbsent(givenUpName(name), b4a.alloc(0), call)
  // Commits first: none is left that lacks something.
  for (const [deleted, { name }] of garbage.entries()) {
    await store.delete(name, call)
    if (commitSeq(name) !== null) await store.delete(givenUpName(name), call)
    onProgress?.({ deleted: deleted + 1, of: garbage.length })
  }
  return result
}

/** What is needed by the moments that are kept, and by all that are young. */
async function mark(
  store: ObjectStore,
  reach: Reach,
  keep: Retention,
  isOld: (info: ObjectInfo) => boolean,
  call: CallOptions
): Promise<{ kept: number; commits: Listed[]; carriers: Listed[] }> {
  const givenUp = new Set<string>()
  for await (const { name } of store.list(GIVEN_UP, call)) givenUp.add(name)
  const listed: Listed[] = []
  for await (const info of store.list(COMMITS, call))
    if (commitSeq(info.name) !== null) listed.push({ ...info, timeMs: info.modifiedMs })
  const commits = listed.filter(({ name }) => !givenUp.has(givenUpName(name)))
  const rules = retained(commits, keep)
  const kept = commits.filter((info) => rules.has(info) || !isOld(info))
  for (const { name } of kept) {
    const { commit } = await commitAt(store, commitSeq(name) as number, call)
    await reach.add(commit)
  }
  const isKept = new Set(kept)
  const others = listed.filter((info) => !isKept.has(info))
  return { kept: kept.length, commits: others, carriers: others.filter(({ name }) => reach.has(name)) }
}

/** The store's own time. */
async function timeOf(store: ObjectStore, call: CallOptions): Promise<number> {
  const name = `probe/${b4a.toString(crypto.randomBytes(12), 'hex')}`
  await store.putIfAbsent(name, b4a.from([0]), call)
  const info = await store.head(name, call)
  await store.delete(name, call)
  if (info === null)
    throw new S3ArchiverError('S3_ARCHIVER_STORE_UNSORTED', 'the store loses what it has taken')
  return info.modifiedMs
}
