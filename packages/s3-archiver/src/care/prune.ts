import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { LEAST_AGE_MS } from '../archive/ages.ts'
import { checkArguments, RULES } from '../arguments.ts'
import { S3ArchiverError } from '../errors.ts'
import { isClaim, KIND_BYTES } from '../format/commit.ts'
import { COMMITS, commitSeq, GIVEN_UP, givenUpName, KEPT_PLACE } from '../format/names.ts'
import { commitAt } from '../read/commits.ts'
import type { CallOptions, ObjectInfo, ObjectStore } from '../store/object-store.ts'
import { kindOf, Reach } from './reach.ts'
import { checkRetention, retained, type Retention } from './retention.ts'

export interface PruneOptions extends CallOptions {
  keep: Retention
  /** Whether the last state of each line that a core has given up is kept, too, when a moment that is kept came of it: for ever, of a core that is truncated again and again. @defaultValue true */
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
 * Cost: a list of all objects, a get for each moment that is kept and what it refers to, a delete for each object, and a small get for each commit of these.
 * What begins an archiver's writing, some hundred bytes for each start, stays for ever: by it, whoever was away learns that others are ahead.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT`, `S3_ARCHIVER_DAMAGED` when a moment that is kept lacks something, or no commit is there: then nothing is removed; and what
 * the store throws
 */
export async function prune(store: ObjectStore, options: PruneOptions): Promise<Pruned> {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  const rules = {
    keepLines: RULES.flag,
    dryRun: RULES.flag,
    onProgress: RULES.listener,
    signal: RULES.signal
  }
  checkArguments(options, rules)
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
  const { kept, commits, carriers, claims } = await mark(store, reach, keep, isOld, call)
  // Even if no moment is kept, the newest commit is.
  if (objects.length > 0 && reach.names.size === 0)
    throw new S3ArchiverError('S3_ARCHIVER_DAMAGED', 'no commit is left that says what is needed here')
  const garbage = [...commits, ...objects.filter(({ name }) => !reach.has(name))]
  const bytes = garbage.reduce((sum, { size }) => sum + size, 0)
  const result = {
    kept: kept.length,
    commits: commits.length,
    objects: garbage.length - commits.length,
    bytes
  }
  if (dryRun) return result
  // What is there only for others must not be taken for a moment that can be restored.
  for (const { name } of carriers) await store.putIfAbsent(givenUpName(name), b4a.alloc(0), call)
  for (const { name } of claims) await store.putIfAbsent(givenUpName(name), KEPT_PLACE, call)
  // Commits first: none is left that lacks something.
  for (const [deleted, { name }] of garbage.entries()) {
    await store.delete(name, call)
    if (commitSeq(name) !== null) await store.delete(givenUpName(name), call)
    onProgress?.({ deleted: deleted + 1, of: garbage.length })
  }
  return result
}

/** Commits of an archive, the newest first in each. */
interface Marked {
  kept: Listed[]
  /** To be removed. */
  commits: Listed[]
  /** Needed only for what they hold of others' entries. */
  carriers: Listed[]
  /** Needed only to keep their places. */
  claims: Listed[]
}

/** What is needed by the moments that are kept, and by all that are young. */
async function mark(
  store: ObjectStore,
  reach: Reach,
  keep: Retention,
  isOld: (info: ObjectInfo) => boolean,
  call: CallOptions
): Promise<Marked> {
  const givenUp = new Map<string, number>()
  for await (const { name, size } of store.list(GIVEN_UP, call)) givenUp.set(name, size)
  const sizeOfMark = ({ name }: ObjectInfo): number | undefined => givenUp.get(givenUpName(name))
  const listed: Listed[] = []
  for await (const info of store.list(COMMITS, call))
    if (commitSeq(info.name) !== null) listed.push({ ...info, timeMs: info.modifiedMs })
  const moments = listed.filter((info) => sizeOfMark(info) === undefined)
  const rules = retained(moments, keep)
  const kept = moments.filter((info) => rules.has(info) || !isOld(info))
  const isKept = new Set(kept)
  for (const [i, info] of listed.entries())
    if (i === 0 || isKept.has(info) || !isOld(info))
      await reach.add((await commitAt(store, commitSeq(info.name) as number, call)).commit)
  const marked: Marked = { kept, commits: [], carriers: [], claims: [] }
  for (const info of listed.filter((one) => !isKept.has(one)))
    if (sizeOfMark(info) === KEPT_PLACE.byteLength) marked.claims.push(info)
    else if (reach.has(info.name)) marked.carriers.push(info)
    else if (await isClaimAt(store, info.name, call)) marked.claims.push(info)
    else marked.commits.push(info)
  return marked
}

/** Whoever stood still before the claim of another would take its place for free. */
async function isClaimAt(store: ObjectStore, name: string, call: CallOptions): Promise<boolean> {
  const result = await store.getRange(name, { start: 0, end: KIND_BYTES }, call)
  return result !== null && isClaim(result.bytes)
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
