import b4a from 'b4a'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import { S3ArchiverError } from '../errors.ts'
import { ArchiveView } from '../read/archive-view.ts'
import type { BlockSource } from '../read/block-source.ts'
import { checkNotBehind, isSameHead, type HeadMark } from '../read/head-mark.ts'
import { CACHE_BYTES, checkReadOptions } from '../read/read-options.ts'
import { Stop } from '../stop.ts'
import { CountedStore, type RequestCounts } from '../store/counted-store.ts'
import type { ObjectStore, SignalLike } from '../store/object-store.ts'

export interface ReadFromArchiveOptions {
  /** Key of the core, 32 bytes: all that is trusted. */
  key: Uint8Array
  /** Of what was fetched, how much is kept in memory. @defaultValue 32 MiB */
  cacheBytes?: number
  /** What was seen of the archive before; see {@link PortableCore.mark}. */
  mark?: HeadMark
  /** Ends it all. */
  signal?: SignalLike
}

interface Shared {
  readonly store: CountedStore
  readonly view: ArchiveView
  readonly stop: Stop
  readonly sessions: Set<PortableCore>
  /** The head that was told of, and where it is read. */
  told: HeadMark
  source: BlockSource
}

type Listener = (...args: never[]) => void

/**
 * An archived core where Hypercore does not run: in a browser. Not a Hypercore, but what a Hyperbee asks of one that it reads; give it one
 * with `extension: false`. Every block is checked against what the core's key has signed. Encrypted cores stay encrypted.
 *
 * Sessions and snapshots share what was fetched. Closing the last one ends what is on its way.
 */
export class PortableCore {
  readonly key: Uint8Array
  readonly discoveryKey: Uint8Array
  /** The key in hex. */
  readonly id: string
  readonly opened = true
  readonly readable = true
  readonly writable = false
  /** What a Hyperbee looks at, and does without. */
  readonly replicator: object = {}
  readonly globalCache = null
  closing: Promise<void> | null = null
  closed = false
  readonly #shared: Shared
  /** Of a snapshot, which stays what it was. */
  readonly #source: BlockSource | null
  readonly #length: number
  readonly #listeners = new Map<string, Set<Listener>>()

  private constructor(shared: Shared, isSnapshot: boolean) {
    const { source } = shared.view
    this.#shared = shared
    this.#source = isSnapshot ? source : null
    this.#length = source.archived.record.length
    this.key = source.key
    this.id = b4a.toString(source.key, 'hex')
    this.discoveryKey = crypto.discoveryKey(source.key)
    shared.sessions.add(this)
  }

  /** See {@link readFromArchive}. */
  static async open(store: ObjectStore, options: ReadFromArchiveOptions): Promise<PortableCore> {
    checkReadOptions(store, options, 'key')
    const { key, cacheBytes = CACHE_BYTES, mark = null, signal } = options
    const stop = new Stop(signal)
    const counted = new CountedStore(store)
    try {
      const view = await ArchiveView.open(counted, key, { cacheBytes, signal: stop })
      checkNotBehind(view.mark, mark)
      const { mark: told, source } = view
      return new PortableCore({ store: counted, view, stop, sessions: new Set(), told, source }, false)
    } catch (error) {
      stop.abort()
      throw error
    }
  }

  /** In blocks. */
  get length(): number {
    return this.#source === null ? this.#shared.view.mark.length : this.#length
  }

  get signedLength(): number {
    return this.length
  }

  get fork(): number {
    return this.#from.archived.record.fork
  }

  /** What was seen of the archive. Give it to the next reader, so that it notices a rollback. */
  get mark(): HeadMark {
    return this.#shared.view.mark
  }

  get #from(): BlockSource {
    return this.#source ?? this.#shared.view.source
  }

  async ready(): Promise<void> {}

  /**
   * A block.
   *
   * @param options - `wait: false` for one that is known already only, and else `null`; `valueEncoding` as Hypercore takes it
   * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_MISSING_BLOCKS` also of one that comes after the last,
   * `S3_ARCHIVER_CLOSED`, and what the store throws
   */
  get(seq: number, options?: { wait?: boolean }): Promise<Uint8Array | null>
  get(seq: number, options: { wait?: boolean; valueEncoding: unknown }): Promise<unknown>
  async get(seq: number, options: { wait?: boolean; valueEncoding?: unknown } = {}): Promise<unknown> {
    this.#guard()
    const { wait = true, valueEncoding } = options
    if (!Number.isSafeInteger(seq) || seq < 0 || seq >= this.length)
      throw new S3ArchiverError(
        'S3_ARCHIVER_MISSING_BLOCKS',
        `the archive does not have block ${seq} of a core`
      )
    const block = wait ? await this.#from.block(seq) : this.#from.cached(seq)
    // A copy: the caller may change it.
    if (block === null || valueEncoding === undefined) return block && b4a.from(block)
    return c.decode(c.from(valueEncoding as never), b4a.from(block))
  }

  /** Whether a block is known already, and costs no request. */
  async has(seq: number): Promise<boolean> {
    return this.#from.cached(seq) !== null
  }

  /**
   * Looks for a newer head. Cost: a list, and a get when there is one.
   *
   * @returns whether there is one
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK`, `S3_ARCHIVER_DAMAGED`, and what the store throws
   */
  async update(): Promise<boolean> {
    this.#guard()
    if (this.#source !== null) return false
    const { view, sessions, told, source: before } = this.#shared
    await view.update()
    const { mark, source } = view
    if (isSameHead(mark, told) && source === before) return false
    this.#shared.told = mark
    this.#shared.source = source
    for (const session of sessions) {
      if (session.#source !== null) continue
      if (source !== before) session.#emit('truncate', mark.length, mark.fork)
      session.#emit('append')
    }
    return true
  }

  session({ snapshot = false }: { snapshot?: boolean } = {}): PortableCore {
    this.#guard()
    return new PortableCore(this.#shared, snapshot || this.#source !== null)
  }

  snapshot(): PortableCore {
    return this.session({ snapshot: true })
  }

  /** What the store was asked for, with the requests that found the newest head. */
  stats(): RequestCounts {
    return this.#shared.store.counts
  }

  async close(): Promise<void> {
    this.closing ??= Promise.resolve()
    if (this.closed) return
    this.closed = true
    const { sessions, stop } = this.#shared
    sessions.delete(this)
    if (sessions.size === 0) stop.abort()
    this.#emit('close')
  }

  on(event: string, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return this
  }

  off(event: string, listener: Listener): this {
    this.#listeners.get(event)?.delete(listener)
    return this
  }

  #emit(event: string, ...args: number[]): void {
    for (const listener of this.#listeners.get(event) ?? [])
      (listener as (...args: number[]) => void)(...args)
  }

  #guard(): void {
    if (this.closed) throw new S3ArchiverError('S3_ARCHIVER_CLOSED', 'it was closed')
  }
}

/**
 * Opens a core out of its archive, without Hypercore. Cost: a list and a get; more in an archive of many cores.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT`, `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT`,
 * `S3_ARCHIVER_ROLLBACK`, `S3_ARCHIVER_ABORTED`, and what the store throws
 */
export function readFromArchive(store: ObjectStore, options: ReadFromArchiveOptions): Promise<PortableCore> {
  return PortableCore.open(store, options)
}
