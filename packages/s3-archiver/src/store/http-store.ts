import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { readBucketPage } from './bucket-list.ts'
import { truncated, unsorted } from './answers.ts'
import { bodyOf, contentRangeOf, type ResponseLike } from './http-answers.ts'
import {
  checkObjectName,
  checkRange,
  refuseWrite,
  throwIfAborted,
  type ByteRange,
  type CallOptions,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type RangeResult,
  type SignalLike
} from './object-store.ts'

/** Most names in one page of a list. */
const LIST_PAGE = 1000
/** Most bytes of such a page. */
const MAX_LIST_BYTES: number = 16 * 1024 * 1024
/** Most bytes that are read beyond those that were asked for, from a server which does not know ranges: more than any object of an archive has. */
const MAX_BEYOND_BYTES: number = 16 * 1024 * 1024
/** Of what a server says besides its status. */
const MAX_REASON_BYTES: number = 64 * 1024

/** Of the web's `fetch` what is used here. */
export type FetchLike = (url: string, init: HttpRequest) => Promise<ResponseLike>

export interface HttpRequest {
  method: 'GET' | 'HEAD'
  headers: Record<string, string>
  redirect: 'manual'
  cache: 'no-store'
  signal?: never
}

export interface HttpStoreOptions {
  /** Where the objects lie; names are added to it with a slash between. */
  url: string
  /** Beginning of the url that is the bucket, of S3 or what speaks its language, when anybody may list it. @defaultValue none: nothing is listed */
  bucket?: string
  /** @defaultValue the runtime's */
  fetch?: FetchLike
}

/**
 * Objects that anybody may read, by HTTP GET with Range and without credentials: a published database. It lists only what is a
 * {@link HttpStoreOptions.bucket}, which finding the newest commit of an archive takes. A redirect is refused: each read would be two requests, and whoever the server
 * names would be asked. Nothing is kept in the browser's cache, which might hold on to an old "not found". There is no time limit: give
 * a signal. Bytes that were changed on the way are not noticed here (see {@link ObjectStore}).
 */
export class HttpStore implements ObjectStore {
  readonly readOnly = true
  readonly #url: string
  readonly #fetch: FetchLike
  /** With what the names of this store begin there. */
  readonly #bucket: { url: string; prefix: string } | null

  /** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
  constructor(options: HttpStoreOptions) {
    const { url, bucket } = options ?? {}
    // In browsers it is not to be called as a method of anything else.
    const own = (globalThis as { fetch?: unknown }).fetch as FetchLike | undefined
    const fetch = options?.fetch ?? own?.bind(globalThis)
    if (typeof url !== 'string' || !/^https?:\/\//.test(url))
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'an HTTP store has an http or https url')
    if (typeof fetch !== 'function')
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'this runtime has no fetch; pass one')
    this.#url = url.endsWith('/') ? url : `${url}/`
    this.#fetch = fetch
    const root = bucket === undefined || bucket.endsWith('/') ? bucket : `${bucket}/`
    if (root !== undefined && !this.#url.startsWith(root))
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'the url begins with that of the bucket')
    this.#bucket = root === undefined ? null : { url: root, prefix: this.#url.slice(root.length) }
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
    if (response.status === 416) return this.#behindEnd(name, response, options)
    const most = end - (response.status === 206 ? start : 0)
    const bytes = await bodyOf(response, options, most + (response.status === 206 ? 0 : MAX_BEYOND_BYTES))
    if (response.status === 200)
      return { bytes: b4a.from(bytes.subarray(start, end)), size: bytes.byteLength }
    const { first, size } = contentRangeOf(response)
    if (first !== start || bytes.byteLength !== Math.min(end, size) - start) throw truncated()
    return { bytes, size }
  }

  async head(name: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    checkObjectName(name)
    // What is compressed on the way has another size. With a range fetch says so itself.
    const response = await this.#ask('HEAD', name, { 'accept-encoding': 'identity' }, options)
    if (response === null) return null
    const size = Number(response.headers.get('content-length') ?? NaN)
    const isWhole = response.status === 200 && isPlain(response) && Number.isSafeInteger(size)
    return isWhole ? { name, size, modifiedMs: modifiedMsOf(response) } : this.#headByGet(name, options)
  }

  async #behindEnd(name: string, response: ResponseLike, options: CallOptions): Promise<RangeResult | null> {
    const { size } = contentRangeOf(response)
    const known = Number.isSafeInteger(size) ? size : (await this.head(name, options))?.size
    return known === undefined ? null : { bytes: b4a.alloc(0), size: known }
  }

  /** Of a server that does not know HEAD, or does not tell the size. */
  async #headByGet(name: string, options: CallOptions): Promise<ObjectInfo | null> {
    const response = await this.#ask('GET', name, { range: 'bytes=0-0' }, options)
    if (response === null) return null
    const modifiedMs = modifiedMsOf(response)
    const { byteLength } = await bodyOf(response, options, MAX_BEYOND_BYTES)
    if (response.status === 200) return { name, size: byteLength, modifiedMs }
    const { size } = contentRangeOf(response)
    // An object without bytes has no first one.
    if (response.status === 416) return { name, size: 0, modifiedMs }
    if (!Number.isSafeInteger(size)) throw truncated()
    return { name, size, modifiedMs }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { after, limit = Infinity, ...call } = options
    if (this.#bucket === null)
      throw new S3ArchiverError('S3_ARCHIVER_STORE_DENIED', 'a plain HTTP server does not list what it has')
    const { url, prefix: own } = this.#bucket
    let left = limit
    let last = after ?? ''
    for (let token: string | null = ''; token !== null && left > 0;) {
      const query = new Map([
        ['list-type', '2'],
        ['prefix', own + prefix],
        ['max-keys', `${Math.min(left, LIST_PAGE)}`]
      ])
      if (token !== '') query.set('continuation-token', token)
      if (after !== undefined) query.set('start-after', own + after)
      const fields = [...query].map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      const response = await this.#askUrl('GET', `${url}?${fields.join('&')}`, {}, call)
      if (response === null)
        throw new S3ArchiverError('S3_ARCHIVER_STORE_NO_BUCKET', 'there is no such bucket')
      const page = readBucketPage(b4a.toString(await bodyOf(response, call, MAX_LIST_BYTES)))
      for (const { name: full, ...info } of page.objects) {
        const name = full.slice(own.length)
        if (name <= last || !full.startsWith(own + prefix)) throw unsorted()
        last = name
        throwIfAborted(call.signal)
        yield { ...info, name }
        if (--left <= 0) return
      }
      // Else it would have no end.
      if (page.next !== null && page.next === token) throw unsorted()
      token = page.next
    }
  }

  async #ask(
    method: 'GET' | 'HEAD',
    name: string,
    headers: Record<string, string>,
    options: CallOptions
  ): Promise<ResponseLike | null> {
    return this.#askUrl(method, this.#url + name, headers, options)
  }

  async #askUrl(
    method: 'GET' | 'HEAD',
    url: string,
    headers: Record<string, string>,
    { signal }: CallOptions
  ): Promise<ResponseLike | null> {
    throwIfAborted(signal)
    const response = await this.#fetch(url, {
      method,
      headers,
      redirect: 'manual',
      cache: 'no-store',
      ...(signal === undefined ? {} : { signal: ownSignal(signal) as never })
    }).catch((cause: unknown) => {
      throwIfAborted(signal)
      throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', 'the server cannot be reached', {
        cause,
        retryable: true
      })
    })
    const { status } = response
    if (status === 200 || status === 206 || status === 416) return response
    // So that the connection can be used again.
    await bodyOf(response, { signal }, MAX_REASON_BYTES).catch(() => {})
    if (status === 404) return null
    if (method === 'HEAD' && (status === 405 || status === 501)) return response
    throw refused(response)
  }
}

interface Controller {
  readonly signal: SignalLike
  abort(): void
}

/** What stands for other signals; each once, so that they do not collect listeners. */
const ownSignals = new WeakMap<SignalLike, SignalLike>()

/** A signal of the runtime's own, where it has them: its `fetch` takes no other. */
function ownSignal(signal: SignalLike): SignalLike {
  const { AbortController } = globalThis as { AbortController?: new () => Controller }
  if (AbortController === undefined) return signal
  const known = ownSignals.get(signal)
  if (known !== undefined) return known
  const controller = new AbortController()
  if (Object.getPrototypeOf(controller.signal) === Object.getPrototypeOf(signal)) return signal
  if (signal.aborted) controller.abort()
  else signal.addEventListener('abort', () => controller.abort(), { once: true })
  ownSignals.set(signal, controller.signal)
  return controller.signal
}

function modifiedMsOf({ headers }: ResponseLike): number {
  const time = Date.parse(headers.get('last-modified') ?? '')
  return Number.isNaN(time) ? 0 : time
}

/** Whether what it has is as long as it says: not compressed. */
function isPlain({ headers }: ResponseLike): boolean {
  return ['', 'identity'].includes(headers.get('content-encoding') ?? '')
}

function refused({ status, headers }: ResponseLike): S3ArchiverError {
  // Browsers show a redirect as status 0.
  if (status === 0 || (status >= 300 && status < 400))
    return new S3ArchiverError(
      'S3_ARCHIVER_STORE_FAILED',
      `the server redirects to ${headers.get('location') ?? 'elsewhere'}; use that url`
    )
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
