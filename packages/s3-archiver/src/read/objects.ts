import { S3ArchiverError } from '../errors.ts'
import { isNamedFor } from '../format/names.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

/** Largest object that is read as a whole: more than any that is written, so that a store cannot make a reader take any number of bytes. */
export const MAX_OBJECT_BYTES: number = 256 * 1024 * 1024

/** @returns `null` when there is none */
export async function readObject(
  store: ObjectStore,
  name: string,
  call: CallOptions
): Promise<Uint8Array | null> {
  const result = await store.getRange(name, { start: 0, end: MAX_OBJECT_BYTES }, call)
  return result && result.bytes
}

/** An object that is named for its bytes. @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when it is not there, or another one */
export async function readNamed(store: ObjectStore, name: string, call: CallOptions): Promise<Uint8Array> {
  const bytes = await readObject(store, name, call)
  if (bytes === null) throw damaged('an object of it is missing')
  if (!isNamedFor(name, bytes)) throw damaged('an object of it is not the one it is named for')
  return bytes
}

export function damaged(what: string, cause?: unknown): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_DAMAGED', `the archive is damaged: ${what}`, { cause })
}
