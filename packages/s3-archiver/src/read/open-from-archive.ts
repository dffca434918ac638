import { S3ArchiverError } from '../errors.ts'
import { Stop } from '../stop.ts'
import { CachedStore } from '../store/cached-store.ts'
import { CountedStore, type RequestCounts } from '../store/counted-store.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { SessionLike, StreamLike } from '../types.ts'
import { ArchivePeer } from './archive-peer.ts'
import { ArchiveView } from './archive-view.ts'
import type { BlockSource } from './block-source.ts'
import { checkNotBehind, isSameHead, rollback, type HeadMark } from './head-mark.ts'
import { LocalCore } from './local-core.ts'
import type { OpenFromArchiveOptions } from './open-options.ts'
import { CACHE_BYTES, checkReadOptions } from './read-options.ts'
import { failBlock, protocolStream, type WireRequest } from './wire.ts'

/** Requests of the core that are answered at once: as many as Hypercore sends on such a stream. */
const PARALLEL = 64
/** Blocks of a download that are asked for at once. */
const DOWNLOAD_BLOCKS = 256

/**
 * A core whose blocks come from an archive, when they are asked for. {@link core} is an ordinary session of Hypercore, which asks nobody but the
 * archive, and sessions and snapshots of it are, too: give it to a Hyperbee. Every block is checked against what the core's key has signed, here
 * and again by Hypercore. Not for `download`, `seek` and `has` of blocks that were not read: see {@link download}.
 *
 * A read fails with an S3ArchiverError: `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_MISSING_BLOCKS`, or what the store throws; others go on. Owns the
 * session; and the Corestore, when it was given none.
 */
export class OpenedArchive {
  readonly #local: LocalCore
  readonly #store: CountedStore
  readonly #cached: CachedStore | undefined
  readonly #view: ArchiveView
  readonly #stop: Stop
  readonly #options: OpenFromArchiveOptions
  /** The head that the core is at, and where it is read. */
  #told: HeadMark
  #source: BlockSource
  #peer: ArchivePeer | null = null
  #streams: StreamLike[] = []
  #timer: unknown = null
  #following: Promise<void> | null = null
  #closing: Promise<void> | null = null
  /** Waits for blocks that the archive does not have yet. */
  #ahead: number[] = []

  private constructor(parts: {
    local: LocalCore
    store: CountedStore
    cached: CachedStore | undefined
    view: ArchiveView
    stop: Stop
    options: OpenFromArchiveOptions
  }) {
    this.#local = parts.local
    this.#store = parts.store
    this.#cached = parts.cached
    this.#view = parts.view
    this.#told = parts.view.mark
    this.#source = parts.view.source
    this.#stop = parts.stop
    this.#options = parts.options
    this.#stop.addEventListener('abort', () => {
      for (const seq of this.#ahead.splice(0)) void this.#demand(seq)
    })
  }

  /** See {@link openFromArchive}. */
  static async open(store: ObjectStore, options: OpenFromArchiveOptions): Promise<OpenedArchive> {
    const { key, cacheBytes = CACHE_BYTES, mark = null, signal, cache, maxCacheBytes } = options ?? {}
    checkReadOptions([key], options ?? {})
    const stop = new Stop(signal)
    const counted = new CountedStore(store)
    const cached = cache && new CachedStore(counted, cache, maxCacheBytes)
    const opened: { archive?: OpenedArchive; local?: LocalCore } = {}
    try {
      // At once: a store that is far away takes as long as all that is done here.
      const [view, local] = await all(
        ArchiveView.open(cached ?? counted, key, {
          cacheBytes,
          signal: stop,
          ...(cached === undefined ? {} : { forget: (object) => cached.forget(object) })
        }),
        LocalCore.open(options, (seq) => {
          if (opened.archive !== undefined) void opened.archive.#demand(seq)
        }).then((local) => (opened.local = local))
      )
      for (const seen of [mark, await local.mark()]) checkNotBehind(view.mark, seen)
      const archive = new OpenedArchive({ local, store: counted, cached, view, stop, options })
      opened.archive = archive
      await archive.#follow()
      archive.#poll()
      return archive
    } catch (error) {
      stop.abort()
      await opened.archive?.close()
      await opened.local?.close()
      throw error
    }
  }

  /** An ordinary session of Hypercore. */
  get core(): SessionLike {
    return this.#local.session
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
    const before = this.#told
    try {
      await this.#view.update()
      await this.#follow()
    } catch (error) {
      throw this.#closing === null ? error : closed()
    }
    return !isSameHead(before, this.#told)
  }

  /**
   * Reads a range of blocks into the core's store.
   *
   * @throws S3ArchiverError as a read does; `S3_ARCHIVER_MISSING_BLOCKS` also when the core ends before
   */
  async download({
    start = 0,
    end = this.#told.length
  }: { start?: number; end?: number } = {}): Promise<void> {
    this.#guard()
    if (end > this.#told.length) throw missing(this.#told.length)
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

  get #isBehind(): boolean {
    return (
      this.#peer?.isClosed !== false ||
      this.#view.source !== this.#source ||
      !isSameHead(this.mark, this.#told)
    )
  }

  /** Takes the core to the head that the archive was seen at; connects it when it is not. */
  #follow(): Promise<void> {
    this.#following ??= this.#goOn().finally(() => (this.#following = null))
    return this.#following
  }

  async #goOn(): Promise<void> {
    while (this.#isBehind) {
      const { mark } = this
      const { source } = this.#view
      if (source !== this.#source && mark.fork === this.#told.fork)
        throw rollback('another history, signed with the same key')
      try {
        if (this.#peer?.isClosed === false) this.#peer.setSource(source)
        else await this.#connect(source)
        await this.#local.arriveAt(mark, this.#stop)
        await this.#local.setMark(mark)
      } catch (error) {
        // What was asked for is not asked for again on the same connection.
        this.#disconnect()
        throw error
      }
      const isNew = !isSameHead(mark, this.#told)
      this.#told = mark
      this.#source = source
      this.#peer?.settle()
      if (isNew) this.#options.onchange?.({ fork: mark.fork, length: mark.length })
      for (const seq of this.#ahead.splice(0)) void this.#demand(seq)
    }
  }

  async #connect(source: BlockSource): Promise<void> {
    this.#disconnect()
    const local = this.core.replicate(true, { keepAlive: false })
    const remote = protocolStream(false)
    this.#streams = [local, remote]
    for (const stream of this.#streams) stream.on('error', () => {})
    local.pipe(remote).pipe(local)
    this.#peer = await ArchivePeer.join(remote, source, {
      announces: 'demand',
      parallel: PARALLEL,
      onfailure: (error, request) => this.#onfailure(error, request),
      onrefused: (request) => this.#onrefused(request)
    })
    if (this.#peer === null) throw closed()
    if (this.core.fork !== source.archived.record.fork) this.#peer.announceFork()
  }

  #disconnect(): void {
    this.#peer?.close()
    this.#peer = null
    for (const stream of this.#streams.splice(0)) stream.destroy()
  }

  #onfailure(error: Error, { block, upgrade }: WireRequest): void {
    if (block === null || upgrade !== null) this.#local.fail(error)
    if (block !== null) failBlock(this.core, block.index, error)
  }

  /** The core may be on another fork than the archive; what is waited for is asked for again once it is not. */
  #onrefused({ block, fork }: WireRequest): void {
    if (block === null) return
    if (fork > this.mark.fork) failBlock(this.core, block.index, rollback(`the core has fork ${fork}`))
    else void this.#demand(block.index)
  }

  /** Somebody waits for a block. */
  async #demand(seq: number): Promise<void> {
    try {
      // Whoever waits is noted only once this has returned.
      await Promise.resolve()
      if (this.#stop.aborted)
        throw this.#closing === null
          ? new S3ArchiverError('S3_ARCHIVER_ABORTED', 'the call was aborted')
          : closed()
      if (this.#isBehind) await this.#follow()
      if (seq >= this.#told.length) {
        if (seq < this.core.length) throw missing(seq)
        this.#ahead.push(seq)
        return
      }
      const { source } = this.#view
      await source.block(seq)
      // It may have been found on another head by the way.
      if (this.#isBehind) await this.#follow()
      if (source === this.#source) this.#peer?.announce(seq)
      else await this.#demand(seq)
    } catch (error) {
      failBlock(this.core, seq, error as Error)
      if (this.#peer?.isClosed === false && this.#isBehind) this.#follow().catch(() => {})
    }
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
    this.#disconnect()
    await this.#cached?.settled()
    await this.#local.close()
  }

  #guard(): void {
    if (this.#closing !== null) throw closed()
  }
}

function closed(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_CLOSED', 'it was closed')
}

function missing(seq: number): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_MISSING_BLOCKS', `the archive does not have block ${seq} of a core`)
}

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

/** Both, or the first error once both have ended: so that what one of them has opened can be closed. */
async function all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second])
  return Promise.all([first, second])
}
