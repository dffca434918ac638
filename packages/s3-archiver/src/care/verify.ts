import crypto from 'hypercore-crypto'
import { badArgument, checkArguments, RULES } from '../arguments.ts'
import { S3ArchiverError } from '../errors.ts'
import { decodeCommit } from '../format/commit.ts'
import { commitSeq, isNamedFor } from '../format/names.ts'
import { newestCommit } from '../read/commits.ts'
import { readObject } from '../read/objects.ts'
import { throwIfAborted, type CallOptions, type ObjectStore } from '../store/object-store.ts'
import { CoreChecks, type CoreProblem } from './core-checks.ts'
import { kindOf, Reach } from './reach.ts'

/** Objects that are read at once. */
const PARALLEL = 4

export interface VerifyOptions extends CallOptions {
  /** Of cores whose heads and blocks are checked against their keys. Without a key it is known that what is there is what was uploaded. @defaultValue none */
  keys?: readonly Uint8Array[]
  /** Share of the objects that are read, from 0 to 1; that they are there is always looked. Which ones is by chance. @defaultValue 1 */
  share?: number
  /** Goes on after this object, which `onProgress` has told of: neither it nor what is named before it is looked at, even if it has come since. */
  after?: string
  /** A number from 0 up to 1. @defaultValue by chance */
  random?: () => number
  /** `name`: of the last object that was looked at, with all before it; `after` takes it. */
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
  /** Cores of which nothing was found to be wrong: not with the head, the segments, or the blocks in objects that were read. */
  cores: number
  coreProblems: CoreProblem[]
  /** Blocks of these cores that the archive lacks, since the cores lacked them: only `blocks: 'held'` restores such a core. */
  missing: number
  /** Whether nothing is wrong with what is there. */
  ok: boolean
}

/**
 * Checks what the newest commit needs: that it is there, is what was uploaded, and is what the cores' keys have signed. Cost: a list of all objects, and a get for
 * each one that is read; a few at once, about 30 MiB of memory. What was aborted goes on with `after`.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when commits, checkpoints or lists are, so that it is not known what is needed; `S3_ARCHIVER_ABORTED`,
 * `S3_ARCHIVER_BAD_ARGUMENT`, and what the store throws
 */
export async function verify(store: ObjectStore, options: VerifyOptions = {}): Promise<Verified> {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  const rules = {
    keys: RULES.keys,
    share: RULES.time,
    after: RULES.text,
    random: RULES.listener,
    onProgress: RULES.listener,
    signal: RULES.signal
  }
  checkArguments(options, rules)
  const { keys = [], share = 1, after = '', random = chance, onProgress, ...call } = options
  if (share > 1) throw badArgument('`share` is from 0 to 1')
  const newest = await newestCommit(store, call)
  if (newest === null)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'there is no archive here: it has no commit')
  const reach = new Reach(store, call)
  await reach.add(newest.commit)
  const cores = await CoreChecks.read(store, newest, keys, call)
  const there = new Set<string>()
  for (const folder of ['l/', 'p/', 's/', 'x/'])
    for await (const { name } of store.list(folder, call)) if (reach.has(name)) there.add(name)
  const names = [...reach.names].sort().filter((name) => name > after)
  const problems: Problem[] = []
  let [objects, read, bytes] = [0, 0, 0]
  const look = (name: string): Promise<Uint8Array | null> | null => {
    if (!there.has(name)) return Promise.resolve(null)
    return random() < share ? readObject(store, name, call) : null
  }
  for await (const { name, object } of ahead(names, look)) {
    throwIfAborted(call.signal)
    if (object !== undefined) {
      const isWrong = object === null || !isIntact(name, object)
      if (isWrong) problems.push({ name, kind: object === null ? 'missing' : 'changed' })
      await cores.check(name, object)
      if (there.has(name)) read++
      bytes += object?.byteLength ?? 0
    }
    objects++
    onProgress?.({ objects, of: names.length, bytes, name })
  }
  const { problems: coreProblems, missing } = cores
  const ok = problems.length === 0 && coreProblems.length === 0
  return {
    objects,
    read,
    bytes,
    problems,
    cores: keys.length - coreProblems.length,
    coreProblems,
    missing,
    ok
  }
}

/** Objects in the order of their names, of which some are read ahead; `undefined` for those that are not read. */
async function* ahead(
  names: readonly string[],
  look: (name: string) => Promise<Uint8Array | null> | null
): AsyncGenerator<{ name: string; object: Uint8Array | null | undefined }> {
  const reading: { name: string; object: Promise<Uint8Array | null> | null }[] = []
  try {
    for (let next = 0; next < names.length || reading.length > 0;) {
      while (next < names.length && reading.length < PARALLEL) {
        const name = names[next++] as string
        const object = look(name)
        // Its turn may come after another one has failed.
        object?.catch(() => {})
        reading.push({ name, object })
      }
      const { name, object } = reading.shift() as (typeof reading)[number]
      yield { name, object: object === null ? undefined : await object }
    }
  } finally {
    await Promise.allSettled(reading.map(async ({ object }) => object))
  }
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
