import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { checkArguments, RULES } from '../arguments.ts'
import { S3ArchiverError } from '../errors.ts'
import type { CallOptions, ObjectStore } from './object-store.ts'

/** Clients that create one name at once. A store that looks first and writes then lets several of them win. */
const RACERS = 8

/** What {@link probeStore} found. */
export interface ProbeResult {
  /** Whether what it made could be removed; else it lies under `probe/`. */
  mayDelete: boolean
}

/**
 * Tries whether a store does what keeps two archivers from harming each other: it creates a name once, whatever comes at once, and lists
 * what is there in order. About 20 requests. Not every S3 does: some ignore the condition and overwrite.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_STORE_NO_CONDITIONS`, `S3_ARCHIVER_STORE_UNSORTED`, and what the store throws
 */
export async function probeStore(store: ObjectStore, options: CallOptions = {}): Promise<ProbeResult> {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  checkArguments(options, { signal: RULES.signal })
  const prefix = `probe/${b4a.toString(crypto.randomBytes(12), 'hex')}/`
  const made: string[] = []
  const put = async (name: string, byte: number): Promise<boolean> => {
    made.push(prefix + name)
    return store.putIfAbsent(prefix + name, b4a.from([byte]), options)
  }
  const byteOf = async (name: string): Promise<number | undefined> =>
    (await store.getRange(prefix + name, { start: 0, end: 1 }, options))?.bytes[0]

  if (!(await put('b', 1)) || (await put('b', 2)) || (await byteOf('b')) !== 1) throw noConditions()
  const racing = await Promise.all(Array.from({ length: RACERS }, (_, byte) => put('c', byte)))
  if (racing.filter(Boolean).length !== 1 || (await byteOf('c')) !== racing.indexOf(true))
    throw noConditions()
  await put('a', 0)
  const names: string[] = []
  for await (const { name } of store.list(prefix, { ...options, limit: 2 }))
    names.push(name.slice(prefix.length))
  if (names.join() !== 'a,b') throw unsorted()
  return { mayDelete: await removeAll(store, new Set(made), options) }
}

/** @returns whether they are gone; an archiver need not be allowed to delete */
async function removeAll(
  store: ObjectStore,
  names: ReadonlySet<string>,
  options: CallOptions
): Promise<boolean> {
  try {
    for (const name of names) await store.delete(name, options)
    return true
  } catch (error) {
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_STORE_DENIED') return false
    throw error
  }
}

/** What is thrown of a store that makes an object again that is there. */
export function noConditions(): S3ArchiverError {
  const help =
    'this store overwrites what is there, or lets several create one object: two archivers could harm each other'
  return new S3ArchiverError('S3_ARCHIVER_STORE_NO_CONDITIONS', help)
}

function unsorted(): S3ArchiverError {
  return new S3ArchiverError(
    'S3_ARCHIVER_STORE_UNSORTED',
    'this store does not list all there is, in the order of its names'
  )
}
