import { checkArguments, RULES } from '../arguments.ts'
import { Stop } from '../stop.ts'
import { CachedStore } from '../store/cached-store.ts'
import { CountedStore, type RequestCounts } from '../store/counted-store.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { S3ArchiverError } from '../errors.ts'
import type { SessionLike } from '../types.ts'
import { ArchiveLink, closed, missing } from './archive-link.ts'
import { ArchiveView } from './archive-view.ts'
import { checkNotBehind, isSameHead, type HeadMark } from './head-mark.ts'
import { LocalCore } from './local-core.ts'
import type { OpenFromArchiveOptions } from './open-options.ts'
import { CACHE_BYTES, checkReadOptions } from './read-options.ts'

/** Blocks of a download that are asked for at once, and their bytes, about. */
const DOWNLOAD_BLOCKS = 256
const DOWNLOAD_BYTES: number = 16 * 1024 * 1024

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
  readonly #link: ArchiveLink
  readonly #stop: Stop
  readonly #options: OpenFromArchiveOptions
  #timer: unknown = null
  #closing: Promise<void> | null = null

  private constructor(parts: {
    local: LocalCore
    store: CountedStore
    cached: CachedStore | undefined
    view: ArchiveView
    link: ArchiveLink
    stop: Stop
    options: OpenFromArchiveOptions
  }) {
    this.#local = parts.local
    this.#store = parts.store
    this.#cached = parts.cached
    this.#view = parts.view
    this.#link = parts.link
    this.#stop = parts.stop
    this.#options = parts.options
  }

  /** See {@link openFromArchive}. */
  static async open(store: ObjectStore, options: OpenFromArchiveOptions): Promise<OpenedArchive> {
    checkReadOptions(store, options, 'key')
    const { key, cacheBytes = CACHE_BYTES, mark = null, signal, cache, maxCacheBytes } = options
    const stop = new Stop(signal)
    const counted = new CountedStore(store)
    const cached = cache && new CachedStore(counted, cache, maxCacheBytes)
    const opened: { archive?: OpenedArchive; local?: LocalCore; link?: ArchiveLink } = {}
    try {
      // At once: a store that is far away takes as long as all that is done here.
      const [view, local] = await all(
        ArchiveView.open(cached ?? counted, key, {
          cacheBytes,
          signal: stop,
          ...(cached === undefined ? {} : { forget: (object) => cached.forget(object) })
        }),
        LocalCore.open(options, (seq) => {
          void opened.link?.demand(seq)
        }).then((local) => (opened.local = local))
      )
      for (const seen of [mark, await local.mark()]) checkNotBehind(view.mark, seen)
      const { onchange, allSessions = false } = options
      const link = new ArchiveLink(local, view, { stop, cacheBytes, onchange, allSessions })
      opened.link = link
      const archive = new OpenedArchive({ local, store: counted, cached, view, link, stop, options })
      opened.archive = archive
      await link.follow()
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
    const before = this.#link.head
    try {
      await this.#view.update()
      await this.#link.follow()
    } catch (error) {
      throw this.#closing === null ? error : closed()
    }
    return !isSameHead(before, this.#link.head)
  }

  /**
   * Reads a range of blocks into the core's store.
   *
   * @throws S3ArchiverError as a read does; `S3_ARCHIVER_MISSING_BLOCKS` also when the core ends before; `S3_ARCHIVER_BAD_ARGUMENT`
   */
  async download({
    start = 0,
    end = this.#link.head.length
  }: { start?: number; end?: number } = {}): Promise<void> {
    this.#guard()
    checkArguments({ range: { start, end } }, { range: RULES.range })
    const { length } = this.#link.head
    if (end > length) throw missing(length)
    for (let at = start; at < end;) {
      const seqs: number[] = []
      for (let bytes = 0; at < end && seqs.length < DOWNLOAD_BLOCKS && bytes < DOWNLOAD_BYTES; at++) {
        seqs.push(at)
        bytes += this.#view.source.sizeOf(at)
      }
      // They are in the core's store then: what is given here would only take memory.
      await Promise.all(seqs.map(async (seq) => void (await this.core.get(seq))))
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
    this.#link.markClosed()
    this.#stop.abort()
    this.#link.disconnect()
    await this.#cached?.settled()
    await this.#local.close()
  }

  #guard(): void {
    if (this.#closing !== null) throw closed()
  }
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
