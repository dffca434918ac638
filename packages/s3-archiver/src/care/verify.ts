import crypto from 'hypercore-crypto'
import { S3ArchiverError, type S3ArchiverErrorCode } from '../errors.ts'
import { decodeCommit } from '../format/commit.ts'
import { commitSeq, isNamedFor } from '../format/names.ts'
import { expandSegments, openSegment, readHeadIn } from '../read/archive-reader.ts'
import { newestCommit, type StoredCommit } from '../read/commits.ts'
import { readObject } from '../read/objects.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { kindOf, Reach } from './reach.ts'

export interface VerifyOptions extends CallOptions {
  /** Of cores whose heads and blocks are checked against their keys. Without a key it is known that what is there is what was uploaded. @defaultValue none */
  keys?: readonly Uint8Array[]
  /** Share of the objects that are read, from 0 to 1; that they are there is always looked. Which ones is by chance. @defaultValue 1 */
  share?: number
  /** Goes on after this object, which `onProgress` has told of. */
  after?: string
  /** A number from 0 up to 1. @defaultValue by chance */
  random?: () => number
  /** `name`: of the last object that was looked at; `after` takes it. */
  onProgress?: (progress: { objects: number; of: number; bytes: number; name: string }) => void
}

export interface Problem {
  /** Of the object. */
  name: string
  kind: 'missing' | 'changed'
}

/** What was looked at, and what is wrong. */
export interface Verified {
  /** Objects that the newest commit needs. */
  objects: number
  /** Of these, those that were read, and their bytes. */
  read: number
  bytes: number
  problems: Problem[]
  /** Cores whose head and segments were checked, and what is wrong with others. */
  cores: number
  coreProblems: { key: Uint8Array; code: S3ArchiverErrorCode; message: string }[]
  /** Whether nothing is wrong. */
  ok: boolean
}

/**
 * Checks what the newest commit needs: that it is there, is what was uploaded, and is what the cores' keys have signed. Cost: a list of all objects; a get for
 * each object that is read, and for each segment of the cores whose keys are given.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when commits, checkpoints or lists are, so that it is not known what is needed; `S3_ARCHIVER_ABORTED`, and what
 * the store throws; `after` goes on where `onProgress` has told of last
 */
export async function verify(store: ObjectStore, options: VerifyOptions = {}): Promise<Verified> {
  const { keys = [], share = 1, after = '', random = chance, onProgress, ...call } = options
  if (!(share >= 0 && share <= 1))
    throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', '`share` is from 0 to 1')
  const newest = await newestCommit(store, call)
  const reach = new Reach(store, call)
  if (newest !== null) await reach.add(newest.commit)
  const there = new Set<string>()
  for (const folder of ['l/', 'p/', 's/', 'x/'])
    for await (const { name } of store.list(folder, call)) if (reach.has(name)) there.add(name)
  const names = [...reach.names].sort().filter((name) => name > after)
  const problems: Problem[] = []
  let [read, bytes] = [0, 0]
  for (const [i, name] of names.entries()) {
    const isRead = random() < share
    if (!there.has(name)) problems.push({ name, kind: 'missing' })
    else if (isRead) {
      const object = await readObject(store, name, call)
      if (object === null || !isIntact(name, object))
        problems.push({ name, kind: object === null ? 'missing' : 'changed' })
      read++
      bytes += object?.byteLength ?? 0
    }
    onProgress?.({ objects: i + 1, of: names.length, bytes, name })
  }
  const coreProblems = await verifyCores(store, newest, keys, share, random, call)
  const cores = keys.length - coreProblems.length
  const ok = problems.length === 0 && coreProblems.length === 0
  return { objects: names.length, read, bytes, problems, cores, coreProblems, ok }
}

async function verifyCores(
  store: ObjectStore,
  newest: StoredCommit | null,
  keys: readonly Uint8Array[],
  share: number,
  random: () => number,
  call: CallOptions
): Promise<Verified['coreProblems']> {
  const problems: Verified['coreProblems'] = []
  let last: { name: string; bytes: Uint8Array | null } = { name: '', bytes: null }
  for (const key of keys) {
    try {
      const { record } = await readHeadIn(store, key, newest, call)
      for await (const segment of expandSegments(store, key, record.segments, call)) {
        if (segment.kind === 'hole' || random() >= share) continue
        // Small segments that follow one another often lie in one object.
        if (segment.object !== last.name)
          last = { name: segment.object, bytes: await readObject(store, segment.object, call) }
        if (last.bytes === null)
          throw new S3ArchiverError('S3_ARCHIVER_DAMAGED', 'an object of a core is missing')
        openSegment(key, segment, last.bytes)
      }
    } catch (error) {
      const { code, message } = error as S3ArchiverError
      if (code !== 'S3_ARCHIVER_DAMAGED' && code !== 'S3_ARCHIVER_NOT_ARCHIVED') throw error
      problems.push({ key, code, message })
    }
  }
  return problems
}

function isIntact(name: string, bytes: Uint8Array): boolean {
  if (kindOf(name) !== 'commit') return isNamedFor(name, bytes)
  try {
    return decodeCommit(bytes).seq === commitSeq(name)
  } catch {
    return false
  }
}

function chance(): number {
  return crypto.randomBytes(6).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 48
}
