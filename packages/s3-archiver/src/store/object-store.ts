import { S3ArchiverError } from '../errors.ts'

/** Ends a call early; what `AbortController` makes. */
export interface SignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export interface CallOptions {
  signal?: SignalLike
}

export interface GetOptions extends CallOptions {
  /**
   * Memory for the answer, which a store may use when the answer fits, or ignore: `bytes` is then a part of it. Nobody else touches it
   * until the call has ended.
   */
  buffer?: Uint8Array
}

/** What an object is for; a store may keep each kind in a storage class of its own. */
export type ObjectKind = 'commit' | 'shard' | 'index' | 'page'

export interface PutOptions extends CallOptions {
  kind?: ObjectKind
}

/** Bytes `start` up to `end`, which is exclusive and may lie past the object's end. */
export interface ByteRange {
  start: number
  end: number
}

export interface RangeResult {
  /** The caller's own. Shorter than asked for only where the object ends. */
  bytes: Uint8Array
  /** Of the whole object, in bytes. */
  size: number
}

export interface ObjectInfo {
  name: string
  /** In bytes. */
  size: number
  /** By the store's clock, in ms since 1970. */
  modifiedMs: number
}

export interface ListOptions extends CallOptions {
  /** Names after this one only; it need not exist. */
  after?: string
  /** Most names that are wanted. A store with pages asks for no more. */
  limit?: number
}

/**
 * Bytes under names: all that an archive asks of what it lies in. Objects are immutable: created whole, read in parts, deleted.
 *
 * Names have 1 to 512 characters of `a`–`z`, `0`–`9`, `-`, `.`, `_` and `/`. A part between slashes has 1 to 128 characters and does not
 * start with a dot. A name is never the beginning of another one up to a slash: a directory cannot hold both.
 *
 * A store hands on the bytes that it gets; whether they are those that were put is shown by the hashes in an archive, and not by a
 * store. `objectStoreConformance` in `@cloudpal/s3-archiver/testing` shows whether a store does what stands here.
 *
 * Every method throws S3ArchiverError `S3_ARCHIVER_STORE_…`, and `S3_ARCHIVER_ABORTED` when its signal says so.
 */
export interface ObjectStore {
  /** Whether put and delete throw `S3_ARCHIVER_STORE_READ_ONLY`. */
  readonly readOnly: boolean
  /**
   * Creates an object, and never overwrites one. Of any number of calls for one name exactly one makes it. Copies the bytes before it
   * returns its promise.
   *
   * @returns true when it was made, and is durable; false when there is one of that name, whatever its bytes
   */
  putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean>
  /** @returns `null` when there is none. From past its end: no bytes */
  getRange(name: string, range: ByteRange, options?: GetOptions): Promise<RangeResult | null>
  /** @returns `null` when there is none */
  head(name: string, options?: CallOptions): Promise<ObjectInfo | null>
  /** All whose name starts with the prefix, which need not end at a slash, in the order of their characters' codes. Sees every put and delete that ended before it began. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>
  /** Resolves when there is none of that name, whether there was or not. The name can be created anew afterwards. */
  delete(name: string, options?: CallOptions): Promise<void>
}

/** Longest name of an object, in characters; S3 takes 1,024 bytes, a prefix included. */
export const MAX_NAME_LENGTH = 512
/** Longest part of a name between slashes. A file name has up to 255 bytes on most systems; 143 in a folder that eCryptfs encrypts. */
export const MAX_PART_LENGTH = 128

const NAME = /^(?:[a-z0-9_-][a-z0-9._-]*\/)*[a-z0-9_-][a-z0-9._-]*$/

/** Whether an object can have such a name, or a part of such a name. */
export function isObjectName(name: string): boolean {
  return (
    typeof name === 'string' &&
    name.length <= MAX_NAME_LENGTH &&
    NAME.test(name) &&
    name.split('/').every(({ length }) => length <= MAX_PART_LENGTH)
  )
}

/** @throws S3ArchiverError `S3_ARCHIVER_STORE_BAD_NAME` */
export function checkObjectName(name: string): void {
  if (isObjectName(name)) return
  const help = `an object has a name of a-z, 0-9, -, ., _ and /, with at most ${MAX_NAME_LENGTH} characters, and ${MAX_PART_LENGTH} between slashes`
  throw new S3ArchiverError('S3_ARCHIVER_STORE_BAD_NAME', help)
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export function checkRange({ start, end }: ByteRange): void {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end > start
  if (!isRange)
    throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'a range has a start and, after it, an end')
}

/** @throws S3ArchiverError `S3_ARCHIVER_ABORTED` */
export function throwIfAborted(signal: SignalLike | undefined): void {
  if (signal?.aborted === true) throw new S3ArchiverError('S3_ARCHIVER_ABORTED', 'the call was aborted')
}

/** @throws S3ArchiverError `S3_ARCHIVER_STORE_READ_ONLY` */
export function refuseWrite(): never {
  throw new S3ArchiverError('S3_ARCHIVER_STORE_READ_ONLY', 'this store can only be read')
}
