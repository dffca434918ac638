import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { isNamedFor } from '../format/names.ts'
import type { CallOptions, GetOptions, ObjectStore } from '../store/object-store.ts'

/** Largest object that is written, or read as a whole: a store cannot make a reader take any number of bytes. Shards stay far below, see `pack.ts`; checkpoints grow with the cores. */
export const MAX_OBJECT_BYTES: number = 256 * 1024 * 1024
/** Most that is asked for at once. */
export const MAX_PART_BYTES: number = 64 * 1024 * 1024

/** @returns `null` when there is none. Cost: one request, and of what is larger than 64 MiB one for each */
export async function readObject(
  store: ObjectStore,
  name: string,
  call: GetOptions
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = []
  for (let start = 0; start < MAX_OBJECT_BYTES; start += MAX_PART_BYTES) {
    const result = await store.getRange(name, { start, end: start + MAX_PART_BYTES }, call)
    if (result === null) return null
    parts.push(result.bytes)
    if (result.size <= start + MAX_PART_BYTES) break
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : b4a.concat(parts)
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
