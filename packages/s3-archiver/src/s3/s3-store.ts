import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  type StorageClass
} from '@aws-sdk/client-s3'
import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { unsorted } from '../store/answers.ts'
import {
  checkObjectName,
  checkRange,
  throwIfAborted,
  type ByteRange,
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type ObjectKind,
  type ObjectStore,
  type PutOptions,
  type RangeResult,
  type SignalLike
} from '../store/object-store.ts'
import { bodyOf, MAX_BEYOND_BYTES, rangeOf } from './s3-answers.ts'
import { isFailure, isSkewCorrected, s3Error } from './s3-errors.ts'

export interface S3StoreOptions {
  bucket: string
  /** Goes before every name, with a slash after it. @defaultValue '' */
  prefix?: string
  /** @defaultValue 'us-east-1', which stores that are not Amazon's expect */
  region?: string
  /** Of a store that is not Amazon's. */
  endpoint?: string
  /** @defaultValue what the SDK finds in the environment */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** Storage class of each kind of object. @defaultValue the bucket's */
  storageClass?: Partial<Record<ObjectKind, StorageClass>>
  /** How long a connection may be silent, in ms. @defaultValue 30000 */
  timeoutMs?: number
  /** How often a read or delete is tried in all. @defaultValue 3 */
  attempts?: number
}

/** Most names in one page of a list. */
const PAGE = 1000
/** How often a put is made again that the store did not take: for a conflict (of two at once it may refuse both), or for the clock. */
const CONFLICTS = 5

/** Longest prefix: with a name and a slash it is a key, of which S3 takes 1,024 bytes. */
const MAX_PREFIX_LENGTH = 500

/**
 * Objects in a bucket of S3, or of what speaks its language. Signing, connections and the retries of reads and deletes are the SDK's. A
 * put is sent again only when the store has said that it did not take it: otherwise it would take its own success for another's. One
 * whose outcome is not known throws with `ambiguous`; then `getRange` shows what is there.
 *
 * The credentials must allow to list the bucket: without that S3 says 403, and not 404, of what is not there. Bytes that were changed
 * on the way or in the store are not noticed here (see {@link ObjectStore}). Owns its connections: {@link close} ends them.
 */
export class S3Store implements ObjectStore {
  readonly readOnly = false
  readonly #options: S3StoreOptions
  readonly #prefix: string
  readonly #reading: S3Client
  readonly #writing: S3Client

  /** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
  constructor(options: S3StoreOptions) {
    const {
      bucket,
      prefix = '',
      region = 'us-east-1',
      endpoint,
      credentials,
      timeoutMs = 30_000,
      attempts = 3
    } = options ?? {}
    if (typeof bucket !== 'string' || bucket === '')
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'an S3 store has a bucket')
    if (prefix !== '') checkObjectName(prefix)
    if (prefix.length > MAX_PREFIX_LENGTH)
      throw new S3ArchiverError(
        'S3_ARCHIVER_STORE_BAD_NAME',
        `a prefix has at most ${MAX_PREFIX_LENGTH} characters`
      )
    this.#options = options
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    const config: S3ClientConfig = {
      region,
      // What is read is checked by its own hashes, and not every store knows the SDK's checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Not `requestTimeout`: that counts the time of an upload, too, and only warns.
      requestHandler: { connectionTimeout: timeoutMs, socketTimeout: timeoutMs },
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === undefined ? {} : { credentials })
    }
    this.#reading = new S3Client({ ...config, maxAttempts: attempts })
    this.#writing = new S3Client({ ...config, maxAttempts: 1 })
  }

  async putIfAbsent(name: string, bytes: Uint8Array, { signal, kind }: PutOptions = {}): Promise<boolean> {
    checkObjectName(name)
    throwIfAborted(signal)
    const storageClass = kind && this.#options.storageClass?.[kind]
    const command = new PutObjectCommand({
      ...this.#place(name),
      Body: b4a.from(bytes),
      ContentLength: bytes.byteLength,
      IfNoneMatch: '*',
      ...(storageClass === undefined ? {} : { StorageClass: storageClass })
    })
    for (let conflicts = 0; ; conflicts++) {
      try {
        await this.#writing.send(command, sendOptions(signal))
        return true
      } catch (error) {
        if (isFailure(error, ['PreconditionFailed'], 412)) return false
        const isRefused = isFailure(error, ['ConditionalRequestConflict']) || isSkewCorrected(error)
        if (isRefused && conflicts < CONFLICTS) continue
        throw s3Error(error, true)
      }
    }
  }

  async getRange(name: string, range: ByteRange, options: GetOptions = {}): Promise<RangeResult | null> {
    const { signal } = options
    checkObjectName(name)
    checkRange(range)
    throwIfAborted(signal)
    const { start, end } = range
    try {
      const command = new GetObjectCommand({ ...this.#place(name), Range: `bytes=${start}-${end - 1}` })
      const answer = await this.#reading.send(command, sendOptions(signal))
      const most = answer.ContentRange === undefined ? end + MAX_BEYOND_BYTES : end - start
      return rangeOf(answer, await bodyOf(answer, options, most), range)
    } catch (error) {
      if (isFailure(error, ['NoSuchKey'])) return null
      if (!isFailure(error, ['InvalidRange'], 416)) throw s3Error(error)
    }
    // The store does not say how long the object is when the range lies behind it.
    const info = await this.head(name, signal === undefined ? {} : { signal })
    return info === null ? null : { bytes: b4a.alloc(0), size: info.size }
  }

  async head(name: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    const { signal } = options
    checkObjectName(name)
    throwIfAborted(signal)
    try {
      const command = new HeadObjectCommand(this.#place(name))
      const { ContentLength: size = 0, LastModified } = await this.#reading.send(command, sendOptions(signal))
      return { name, size, modifiedMs: LastModified?.getTime() ?? 0 }
    } catch (error) {
      // An answer without a body does not say what is missing, or what is wrong with the credentials.
      const isAnswered =
        isFailure(error, ['NotFound'], 404) || isFailure(error, [], 403) || isFailure(error, [], 400)
      if (!isAnswered) throw s3Error(error)
      await this.#explain(name, options)
      if (!isFailure(error, ['NotFound'], 404)) throw s3Error(error)
      return null
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { after, limit = Infinity, signal } = options
    let left = limit
    let last = after ?? ''
    let token: string | undefined
    while (left > 0) {
      throwIfAborted(signal)
      const command = new ListObjectsV2Command({
        Bucket: this.#options.bucket,
        Prefix: this.#prefix + prefix,
        MaxKeys: Math.min(left, PAGE),
        ...(token === undefined ? {} : { ContinuationToken: token }),
        ...(after === undefined ? {} : { StartAfter: this.#prefix + after })
      })
      const page = await this.#reading.send(command, sendOptions(signal)).catch((error: unknown) => {
        throw s3Error(error)
      })
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const name = Key.slice(this.#prefix.length)
        if (name <= last || !Key.startsWith(this.#prefix + prefix)) throw unsorted()
        last = name
        throwIfAborted(signal)
        yield { name, size: Size, modifiedMs: LastModified?.getTime() ?? 0 }
        if (--left <= 0) return
      }
      if (page.IsTruncated !== true) return
      const next = page.NextContinuationToken
      // Else it would have no end.
      if (next === undefined || next === token) throw unsorted()
      token = next
    }
  }

  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    checkObjectName(name)
    throwIfAborted(signal)
    try {
      await this.#reading.send(new DeleteObjectCommand(this.#place(name)), sendOptions(signal))
    } catch (error) {
      if (!isFailure(error, ['NoSuchKey'])) throw s3Error(error)
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#reading.destroy()
    this.#writing.destroy()
  }

  /** Throws what the answer to HEAD has no room for. */
  async #explain(name: string, options: CallOptions): Promise<void> {
    try {
      const command = new GetObjectCommand({ ...this.#place(name), Range: 'bytes=0-0' })
      await bodyOf(await this.#reading.send(command, sendOptions(options.signal)), options, MAX_BEYOND_BYTES)
    } catch (error) {
      if (!isFailure(error, ['NoSuchKey', 'InvalidRange'], 416)) throw s3Error(error)
    }
  }

  #place(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#prefix + name }
  }
}

function sendOptions(signal: SignalLike | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal as AbortSignal }
}
