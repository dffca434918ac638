import { S3ArchiverError } from '../errors.ts'
import { Stop } from '../stop.ts'
import { CountedStore, type RequestCounts } from '../store/counted-store.ts'
import type { ObjectStore, SignalLike } from '../store/object-store.ts'
import type { StreamLike } from '../types.ts'
import { ArchivePeer } from './archive-peer.ts'
import { ArchiveView } from './archive-view.ts'
import type { BlockSource } from './block-source.ts'
import { isSameHead, type HeadMark } from './head-mark.ts'
import { NewestCommit } from './newest-commit.ts'
import { CACHE_BYTES, checkReadOptions } from './read-options.ts'
import { onChannelWanted, protocolStream } from './replication-adapter.ts'

export interface SeederOptions {
  /** Keys of the cores that are served, 32 bytes each. */
  keys: readonly Uint8Array[]
  /** Of what was fetched of a core, how much is kept in memory. @defaultValue 32 MiB */
  cacheBytes?: number
  /** Looks for newer heads every so many ms. @defaultValue never, but by `update()` */
  pollMs?: number
  /** Ends it all. */
  signal?: SignalLike
  /** Something could not be served. */
  onerror?: (error: S3ArchiverError, key: Uint8Array) => void
}

/** Requests of one peer for one core that are answered at once. */
const PARALLEL = 16
/** Who asks for one block mostly asks for those beside it. */
const CHUNK_BYTES = 256 * 1024

interface Seeded {
  key: Uint8Array
  /** From the first peer on that asks for it. */
  view: Promise<ArchiveView> | null
  /** The head that its peers know, and where it is read. */
  told: HeadMark | null
  source: BlockSource | null
  peers: Set<ArchivePeer>
}

/**
 * Serves archived cores to peers, straight from the store: there is no local copy, and neither a secret key nor one that decrypts. Each
 * block is checked before it is sent. A core is looked up when the first peer asks for it. Borrows the streams.
 */
export class Seeder {
  readonly #store: CountedStore
  readonly #options: SeederOptions
  readonly #stop: Stop
  /** One for all cores. */
  readonly #commits: NewestCommit
  readonly #cores: Seeded[]
  readonly #streams = new Set<() => void>()
  #timer: unknown = null
  #isClosed = false

  /** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
  constructor(store: ObjectStore, options: SeederOptions) {
    checkReadOptions(store, options, 'keys')
    const { signal } = options
    this.#store = new CountedStore(store)
    this.#options = options
    this.#stop = new Stop(signal)
    this.#commits = new NewestCommit(this.#store, { signal: this.#stop })
    this.#cores = options.keys.map((key) => ({ key, view: null, told: null, source: null, peers: new Set() }))
    this.#poll()
  }

  /** What the store was asked for. */
  stats(): RequestCounts {
    return this.#store.counts
  }

  /**
   * Serves the cores on a stream.
   *
   * @param stream - a connection of Hyperswarm or another replication stream; or whether to begin, for a new one
   * @returns the stream, to be piped where it was made here
   * @throws S3ArchiverError `S3_ARCHIVER_CLOSED`
   */
  replicate(stream: boolean | StreamLike): StreamLike {
    if (this.#isClosed) throw new S3ArchiverError('S3_ARCHIVER_CLOSED', 'it was closed')
    const joined = protocolStream(stream)
    const enders = this.#cores.map((core) =>
      onChannelWanted(joined, core.key, () => this.#join(joined, core))
    )
    const end = (): void => {
      this.#streams.delete(end)
      for (const end of enders) end()
    }
    this.#streams.add(end)
    joined.once('close', end)
    return joined
  }

  /**
   * Looks for newer heads of all cores that somebody has asked for, and tells the peers. Cost: a list, and a get when there is a newer commit;
   * more for each core in an archive of many.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK`, `S3_ARCHIVER_DAMAGED`, and what the store throws, once all cores were looked at; what was
   * known of those is still served
   */
  async update(): Promise<void> {
    const [failure] = await this.#update()
    if (failure !== undefined) throw failure.error
  }

  /** Serves nothing more. The streams stay open. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#stop.abort()
    for (const end of this.#streams) end()
    for (const { view, peers } of this.#cores) {
      for (const peer of peers) peer.close()
      await view?.catch(() => null)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #join(stream: StreamLike, core: Seeded): Promise<void> {
    try {
      const view = await this.#viewOf(core)
      const { source, mark } = view
      if (this.#isClosed) return
      const peer = await ArchivePeer.join(stream, source, {
        announces: 'all',
        parallel: PARALLEL,
        onfailure: (error) => this.#fail(error, core),
        onclose: () => {
          if (peer !== null) core.peers.delete(peer)
        }
      })
      if (peer === null || peer.isClosed) return
      core.peers.add(peer)
      // It may have gone on in the meantime.
      if (view.source !== source || !isSameHead(view.mark, mark)) peer.setSource(view.source)
    } catch (error) {
      this.#fail(error as Error, core)
    }
  }

  async #update(): Promise<{ error: S3ArchiverError; core: Seeded }[]> {
    const failures: { error: S3ArchiverError; core: Seeded }[] = []
    const cores = this.#cores.filter(({ view }) => view !== null)
    try {
      if (cores.length > 0) await this.#commits.look()
    } catch (error) {
      return cores.map((core) => ({ error: error as S3ArchiverError, core }))
    }
    for (const core of cores) {
      const view = await core.view?.catch(() => null)
      try {
        await view?.goOn()
      } catch (error) {
        failures.push({ error: error as S3ArchiverError, core })
      }
    }
    return failures
  }

  async #updateAndTell(): Promise<void> {
    for (const { error, core } of await this.#update()) this.#fail(error, core)
  }

  /** Tells the peers of a core where it is now. */
  #tell(core: Seeded, { mark, source }: ArchiveView): void {
    if (core.told !== null && isSameHead(mark, core.told) && source === core.source) return
    core.told = mark
    core.source = source
    for (const peer of core.peers) peer.setSource(source)
  }

  #viewOf(core: Seeded): Promise<ArchiveView> {
    if (core.view !== null) return core.view
    const { cacheBytes = CACHE_BYTES } = this.#options
    const options = { cacheBytes, chunkBytes: CHUNK_BYTES, signal: this.#stop }
    const opening = ArchiveView.open(this.#store, core.key, options, this.#commits).then((view) => {
      view.listener = () => this.#tell(core, view)
      return view
    })
    core.view = opening
    // The next one who asks tries again.
    opening.catch(() => (core.view = null))
    return opening
  }

  #fail(error: Error, { key }: Seeded): void {
    if (!this.#isClosed) this.#options.onerror?.(error as S3ArchiverError, key)
  }

  #poll(): void {
    const { pollMs } = this.#options
    if (pollMs === undefined || this.#isClosed) return
    this.#timer = setTimeout(() => {
      void this.#updateAndTell().finally(() => this.#poll())
    }, pollMs)
  }
}
