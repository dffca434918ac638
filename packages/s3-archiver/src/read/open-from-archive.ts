import { S3ArchiverError } from '../errors.ts'
import { CachedStore } from '../store/cached-store.ts'
import { Stop } from '../stop.ts'
import { CountedStore, type RequestCounts } from '../store/counted-store.ts'
import type { ObjectStore, SignalLike } from '../store/object-store.ts'
import type { CorestoreLike, SessionLike, StreamLike } from '../types.ts'
import { ArchivePeer } from './archive-peer.ts'
import { ArchiveView } from './archive-view.ts'
import { checkNotBehind, decodeMark, encodeMark, isSameHead, type HeadMark } from './head-mark.ts'
import { openTemporaryStore, type TemporaryStore } from './temporary-store.ts'
import { checkWire, failBlock, protocolStream, sessionOf } from './wire.ts'

export interface OpenFromArchiveOptions {
  /** Key of the core, 32 bytes: all that is trusted. */
  key: Uint8Array
  /** Decrypts the blocks; what Hypercore takes as `encryption`. */
  encryption?: Uint8Array | { key: Uint8Array; block?: boolean }
  /**
   * Where the blocks go that were read: they need not be fetched again, and what was seen of the archive is kept there, too, so that a rollback
   * is noticed. Borrowed. @defaultValue one in a directory for temporary files, which is removed on close
   */
  corestore?: CorestoreLike
  /** Of what was fetched, how much is kept in memory. @defaultValue 32 MiB */
  cacheBytes?: number
  /** Where parts of objects are kept that were read: as a rule a directory. Borrowed. @defaultValue nowhere */
  cache?: ObjectStore
  /** Of that, the most bytes; what was put there first goes first. @defaultValue 256 MiB */
  maxCacheBytes?: number
  /** Looks for a newer head every so many ms. @defaultValue never, but by `update()` */
  pollMs?: number
  /** What was seen of the archive before; see {@link OpenedArchive.mark}. */
  mark?: HeadMark
  /** Ends it all. */
  signal?: SignalLike
  /** The core has changed. */
  onchange?: (head: { fork: number; length: number }) => void
  /** A look for a newer head has failed; it is tried again. */
  onerror?: (error: S3ArchiverError) => void
}

const CACHE_BYTES = 32 * 1024 * 1024
/** Fewer would not hold a shard's table. */
const MIN_CACHE_BYTES = 1024 * 1024
/** Requests of the core that are answered at once: as many as Hypercore sends on such a stream. */
const PARALLEL = 64
const MARK = 'cloudpal/s3-archiver/mark'

/**
 * A core whose blocks come from an archive, when they are asked for. {@link core} is an ordinary session of Hypercore, which asks nobody but the
 * archive, and sessions and snapshots of it are, too: give it to a Hyperbee. Every block is checked against what the core's key has signed, here
 * and again by Hypercore. Not for `download`, `seek` and `has` of blocks that were not read: see {@link download}.
 *
 * A read fails with an S3ArchiverError: `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_MISSING_BLOCKS`, or what the store throws; others go on. Owns the
 * session; and the Corestore, when it was given none.
 */
export class OpenedArchive {
  readonly core: SessionLike
  readonly #store: CountedStore
  readonly #cached: CachedStore | undefined
  readonly #view: ArchiveView
  readonly #stop: Stop
  readonly #options: OpenFromArchiveOptions
  readonly #temporary: TemporaryStore | null
  /** The head that the core is at. */
  #told: HeadMark
  #peer: ArchivePeer | null = null
  #streams: StreamLike[] = []
  #timer: unknown = null
  #closing: Promise<void> | null = null
  /** Waits for blocks that the archive does not have yet. */
  #ahead: number[] = []

  private constructor(parts: {
    core: SessionLike
    store: CountedStore
    cached: CachedStore | undefined
    view: ArchiveView
    stop: Stop
    options: OpenFromArchiveOptions
    temporary: TemporaryStore | null
  }) {
    this.core = parts.core
    this.#store = parts.store
    this.#cached = parts.cached
    this.#view = parts.view
    this.#told = parts.view.mark
    this.#stop = parts.stop
    this.#options = parts.options
    this.#temporary = parts.temporary
  }

  /** See {@link openFromArchive}. */
  static async open(store: ObjectStore, options: OpenFromArchiveOptions): Promise<OpenedArchive> {
    const { key, cacheBytes = CACHE_BYTES, mark, signal } = options ?? {}
    if (!(key instanceof Uint8Array) || key.byteLength !== 32 || !(cacheBytes >= MIN_CACHE_BYTES))
      throw new S3ArchiverError(
        'S3_ARCHIVER_BAD_ARGUMENT',
        'a core has a key of 32 bytes, and its cache at least 1 MiB'
      )
    const stop = new Stop(signal)
    const counted = new CountedStore(store)
    const cached = options.cache && new CachedStore(counted, options.cache, options.maxCacheBytes)
    const opened: { archive: OpenedArchive | null } = { archive: null }
    const closers: (() => Promise<void>)[] = []
    try {
      // At once: a store that is far away takes as long as all that is done here.
      const [view, local] = await all(
        ArchiveView.open(cached ?? counted, key, { cacheBytes, signal: stop }),
        openCore(options, closers, (seq) => {
          if (opened.archive !== null) void opened.archive.#demand(seq)
        })
      )
      checkNotBehind(view.mark, mark ?? local.mark)
      const archive = new OpenedArchive({ ...local, store: counted, cached, view, stop, options })
      opened.archive = archive
      await archive.#connect()
      return archive
    } catch (error) {
      stop.abort()
      await opened.archive?.close()
      for (const close of closers.toReversed()) await close()
      throw error
    }
  }

  /** What was seen of the archive. Give it to the next reader, so that it notices a rollback. */
  get mark(): HeadMark {
    return this.#view.mark
  }

  /** What the store was asked for since it was opened, with the requests that found the newest head. */
  stats(): RequestCounts {
    return this.#store.counts
  }

  /**
   * Looks for a newer head, and takes the core there. Cost: a list, and a get when there is one.
   *
   * @returns whether the core has changed
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK`, `S3_ARCHIVER_DAMAGED`, and what the store throws; the core stays what it was
   */
  async update(): Promise<boolean> {
    this.#guard()
    await this.#view.update()
    if (isSameHead(this.mark, this.#told)) return false
    this.#peer?.setSource(this.#view.source)
    await this.#follow()
    this.#options.onchange?.({ fork: this.mark.fork, length: this.mark.length })
    return true
  }

  /** Reads a range of blocks into the core's store. @throws S3ArchiverError as a read does */
  async download({
    start = 0,
    end = this.mark.length
  }: { start?: number; end?: number } = {}): Promise<void> {
    this.#guard()
    for (let at = start; at < end; at += DOWNLOAD_BLOCKS) {
      const seqs = Array.from({ length: Math.min(DOWNLOAD_BLOCKS, end - at) }, (_, i) => at + i)
      await Promise.all(seqs.map((seq) => this.core.get(seq)))
    }
  }

  /** Ends what is read, and closes the session. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Connects the core to the archive. */
  async #connect(): Promise<void> {
    const local = this.core.replicate(true, { keepAlive: false })
    const remote = protocolStream(false)
    this.#streams = [local, remote]
    for (const stream of this.#streams) stream.on('error', () => {})
    local.pipe(remote).pipe(local)
    this.#peer = await ArchivePeer.join(remote, this.#view.source, {
      announces: 'demand',
      parallel: PARALLEL
    })
    await this.#follow()
    this.#poll()
  }

  /** Somebody waits for a block. */
  async #demand(seq: number): Promise<void> {
    if (seq >= this.#told.length) {
      this.#ahead.push(seq)
      return
    }
    try {
      await this.#view.source.block(seq)
      this.#peer?.announce(seq)
    } catch (error) {
      failBlock(this.core, seq, error as Error)
    }
  }

  /** Waits until the core is where the archive is, and keeps that. */
  async #follow(): Promise<void> {
    const { mark } = this
    const { fork, length } = mark
    const core = this.core
    const isThere = (): boolean => core.fork > fork || (core.fork === fork && core.length >= length)
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (isThere()) done()
      }
      const fail = (error: Error): void => {
        done()
        reject(
          new S3ArchiverError('S3_ARCHIVER_DAMAGED', 'Hypercore refuses the archived head', { cause: error })
        )
      }
      const ended = (): void => fail(new Error('the core was closed'))
      const done = (): void => {
        core.off('append', look)
        core.off('truncate', look)
        core.off('verification-error', fail)
        core.off('close', ended)
        resolve()
      }
      core.on('append', look)
      core.on('truncate', look)
      core.on('verification-error', fail)
      core.on('close', ended)
      look()
    })
    this.#told = mark
    this.#peer?.settle()
    await core.setUserData(MARK, encodeMark(mark))
    for (const seq of this.#ahead.splice(0)) void this.#demand(seq)
  }

  #poll(): void {
    const { pollMs, onerror } = this.#options
    if (pollMs === undefined || this.#closing !== null) return
    this.#timer = setTimeout(() => {
      this.update()
        .catch((error: S3ArchiverError) => {
          if (this.#closing === null) onerror?.(error)
        })
        .finally(() => this.#poll())
    }, pollMs)
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stop.abort()
    this.#peer?.close()
    for (const stream of this.#streams) stream.destroy()
    await this.#cached?.settled()
    await this.core.close()
    await this.#temporary?.close()
  }

  #guard(): void {
    if (this.#closing !== null) throw new S3ArchiverError('S3_ARCHIVER_CLOSED', 'it was closed')
  }
}

/** Blocks that are asked for at once. */
const DOWNLOAD_BLOCKS = 256

/**
 * Opens a core out of its archive.
 *
 * @returns once its length is known. Cost: a list and a get; more in an archive of many cores
 * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT`, `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT`,
 * `S3_ARCHIVER_ROLLBACK`, `S3_ARCHIVER_ABORTED`, `S3_ARCHIVER_UNSUPPORTED_UPSTREAM`, and what the store throws
 */
export function openFromArchive(store: ObjectStore, options: OpenFromArchiveOptions): Promise<OpenedArchive> {
  return OpenedArchive.open(store, options)
}

/** A session of a core, with what was seen of its archive before. */
async function openCore(
  { key, encryption, corestore }: Pick<OpenFromArchiveOptions, 'key' | 'encryption' | 'corestore'>,
  closers: (() => Promise<void>)[],
  onwait: (seq: number) => void
): Promise<{ core: SessionLike; temporary: TemporaryStore | null; mark: HeadMark | null }> {
  const temporary = corestore === undefined ? await openTemporaryStore() : null
  if (temporary !== null) closers.push(() => temporary.close())
  const core = sessionOf(corestore ?? (temporary as TemporaryStore).corestore, {
    key,
    ...(encryption === undefined ? {} : { encryption }),
    onwait
  })
  closers.push(() => core.close())
  await core.ready()
  checkWire(core)
  const bytes = await core.getUserData(MARK)
  return { core, temporary, mark: bytes && decodeMark(bytes) }
}

/** Both, or the first error once both have ended: so that what one of them has opened can be closed. */
async function all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second])
  return Promise.all([first, second])
}
