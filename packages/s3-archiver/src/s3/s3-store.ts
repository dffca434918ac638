import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type GetObjectCommandOutput,
  type S3ClientConfig,
  type StorageClass
} from '@aws-sdk/client-s3'
import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import {
  checkObjectName,
  checkRange,
  throwIfAborted,
  type ByteRange,
  type CallOptions,
  type ListOptions,
  type ObjectInfo,
  type ObjectKind,
  type ObjectStore,
  type PutOptions,
  type RangeResult,
  type SignalLike
} from '../store/object-store.ts'
import { isFailure, s3Error } from './s3-errors.ts'

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
  /** How long the store may take to answer, in ms. @defaultValue 30000 */
  timeoutMs?: number
}

/** Most names in one page of a list. */
const PAGE = 1000
/** How often a put is made again that the store calls a conflict: of two at once it may refuse both. */
const CONFLICTS = 5

/**
 * Objects in a bucket of S3, or of what speaks its language. Signing, connections and the retries of reads are the SDK's; a put is never
 * repeated behind the caller's back, since that would take its own success for another's.
 * Owns its connections: {@link close} ends them.
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
      timeoutMs = 30_000
    } = options ?? {}
    if (typeof bucket !== 'string' || bucket === '')
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'an S3 store has a bucket')
    if (prefix !== '') checkObjectName(prefix)
    this.#options = options
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    const config: S3ClientConfig = {
      region,
      // What is read is checked by its own hashes, and not every store knows the SDK's checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs },
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === undefined ? {} : { credentials })
    }
    this.#reading = new S3Client(config)
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
        if (isFailure(error, ['ConditionalRequestConflict'], 409) && conflicts < CONFLICTS) continue
        throw s3Error(error, true)
      }
    }
  }

  async getRange(name: string, range: ByteRange, { signal }: CallOptions = {}): Promise<RangeResult | null> {
    checkObjectName(name)
    checkRange(range)
    throwIfAborted(signal)
    const { start, end } = range
    try {
      const command = new GetObjectCommand({ ...this.#place(name), Range: `bytes=${start}-${end - 1}` })
      return await rangeOf(await this.#reading.send(command, sendOptions(signal)), range)
    } catch (error) {
      if (isFailure(error, ['NoSuchKey'])) return null
      if (!isFailure(error, ['InvalidRange'], 416)) throw s3Error(error)
    }
    // The store does not say how long the object is when the range lies behind it.
    const info = await this.head(name, signal === undefined ? {} : { signal })
    return info === null ? null : { bytes: b4a.alloc(0), size: info.size }
  }

  async head(name: string, { signal }: CallOptions = {}): Promise<ObjectInfo | null> {
    checkObjectName(name)
    throwIfAborted(signal)
    try {
      const command = new HeadObjectCommand(this.#place(name))
      const { ContentLength: size = 0, LastModified } = await this.#reading.send(command, sendOptions(signal))
      return { name, size, modifiedMs: LastModified?.getTime() ?? 0 }
    } catch (error) {
      if (!isFailure(error, ['NotFound'], 404)) throw s3Error(error)
    }
    // An answer without a body does not say whether the object is missing or the bucket.
    await this.#requireBucket(name, signal)
    return null
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { after, limit = Infinity, signal } = options
    let left = limit
    let last = ''
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
        if (name <= last)
          throw new S3ArchiverError(
            'S3_ARCHIVER_STORE_UNSORTED',
            'the store does not list names in their order'
          )
        last = name
        throwIfAborted(signal)
        yield { name, size: Size, modifiedMs: LastModified?.getTime() ?? 0 }
        if (--left <= 0) return
      }
      token = page.NextContinuationToken
      if (page.IsTruncated !== true || token === undefined) return
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

  async #requireBucket(name: string, signal: SignalLike | undefined): Promise<void> {
    try {
      const command = new GetObjectCommand({ ...this.#place(name), Range: 'bytes=0-0' })
      const { Body } = await this.#reading.send(command, sendOptions(signal))
      await Body?.transformToByteArray()
    } catch (error) {
      if (!isFailure(error, ['NoSuchKey', 'InvalidRange'], 416)) throw s3Error(error)
    }
  }

  #place(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#prefix + name }
  }
}

/** Of an answer: a part, or the whole when the store does not know parts. */
async function rangeOf(answer: GetObjectCommandOutput, { start, end }: ByteRange): Promise<RangeResult> {
  const { Body, ContentRange, ContentLength } = answer
  const bytes = (await Body?.transformToByteArray()) ?? b4a.alloc(0)
  if (ContentLength !== undefined && bytes.byteLength !== ContentLength) throw truncated()
  if (ContentRange === undefined)
    return { bytes: b4a.from(bytes.subarray(start, end)), size: bytes.byteLength }
  const size = Number(/^bytes \d+-\d+\/(\d+)$/.exec(ContentRange)?.[1])
  if (!Number.isSafeInteger(size) || bytes.byteLength !== Math.min(end, size) - start) throw truncated()
  return { bytes, size }
}

function truncated(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', 'an answer ends too early', { retryable: true })
}

function sendOptions(signal: SignalLike | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal as AbortSignal }
}
