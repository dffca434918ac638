import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import {
  checkObjectName,
  checkRange,
  refuseWrite,
  throwIfAborted,
  type ByteRange,
  type CallOptions,
  type ObjectInfo,
  type ObjectStore,
  type RangeResult
} from './object-store.ts'

/** Of the web's `fetch` what is used here. */
export type FetchLike = (
  url: string,
  init: { method: string; headers: Record<string, string>; signal?: never }
) => Promise<ResponseLike>

export interface ResponseLike {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
}

export interface HttpStoreOptions {
  /** Where the objects lie; names are added to it with a slash between. */
  url: string
  /** @defaultValue the runtime's */
  fetch?: FetchLike
}

/**
 * Objects that anybody may read, by HTTP GET with Range and without credentials: a published database. What it cannot do is list; who
 * publishes an archive says where its newest commit is.
 */
export class HttpStore implements ObjectStore {
  readonly readOnly = true
  readonly #url: string
  readonly #fetch: FetchLike

  /** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
  constructor(options: HttpStoreOptions) {
    const { url, fetch = (globalThis as { fetch?: unknown }).fetch as FetchLike | undefined } = options ?? {}
    if (typeof url !== 'string' || !/^https?:\/\//.test(url))
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'an HTTP store has an http or https url')
    if (typeof fetch !== 'function')
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'this runtime has no fetch; pass one')
    this.#url = url.endsWith('/') ? url : `${url}/`
    this.#fetch = fetch
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async putIfAbsent(): Promise<boolean> {
    return refuseWrite()
  }

  async delete(): Promise<void> {
    return refuseWrite()
  }

  async getRange(name: string, range: ByteRange, options: CallOptions = {}): Promise<RangeResult | null> {
    checkObjectName(name)
    checkRange(range)
    const { start, end } = range
    const response = await this.#ask('GET', name, { range: `bytes=${start}-${end - 1}` }, options)
    if (response === null) return null
    const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
    if (response.status === 416) return { bytes: b4a.alloc(0), size: Number(total ?? 0) }
    const bytes = b4a.from(await bodyOf(response))
    if (response.status === 200)
      return { bytes: b4a.from(bytes.subarray(start, end)), size: bytes.byteLength }
    const size = Number(total)
    if (!Number.isSafeInteger(size) || bytes.byteLength !== Math.min(end, size) - start) throw truncated()
    return { bytes, size }
  }

  async head(name: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    checkObjectName(name)
    const response = await this.#ask('HEAD', name, {}, options)
    if (response === null) return null
    const modifiedMs = Date.parse(response.headers.get('last-modified') ?? '')
    const size = Number(response.headers.get('content-length'))
    return { name, size, modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs }
  }

  // eslint-disable-next-line require-yield
  async *list(): AsyncGenerator<ObjectInfo> {
    throw new S3ArchiverError('S3_ARCHIVER_STORE_DENIED', 'a plain HTTP server does not list what it has')
  }

  async #ask(
    method: string,
    name: string,
    headers: Record<string, string>,
    { signal }: CallOptions
  ): Promise<ResponseLike | null> {
    throwIfAborted(signal)
    const init = { method, headers, ...(signal === undefined ? {} : { signal: signal as never }) }
    const response = await this.#fetch(this.#url + name, init).catch((cause: unknown) => {
      throwIfAborted(signal)
      throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', 'the server cannot be reached', {
        cause,
        retryable: true
      })
    })
    const { status } = response
    if (status === 200 || status === 206 || status === 416) return response
    // So that the connection can be used again.
    await response.arrayBuffer().catch(() => {})
    if (status === 404) return null
    throw refused(status)
  }
}

async function bodyOf(response: ResponseLike): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer()
  } catch (cause) {
    throw new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', 'an answer ends too early', {
      cause,
      retryable: true
    })
  }
}

function refused(status: number): S3ArchiverError {
  if (status === 401 || status === 403)
    return new S3ArchiverError('S3_ARCHIVER_STORE_DENIED', `the server answers ${status}`)
  if (status === 429 || status === 503)
    return new S3ArchiverError('S3_ARCHIVER_STORE_THROTTLED', 'the server asks for fewer requests', {
      retryable: true
    })
  if (status >= 500)
    return new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', `the server answers ${status}`, {
      retryable: true
    })
  return new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', `the server answers ${status}`)
}

function truncated(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', 'an answer ends too early', { retryable: true })
}
