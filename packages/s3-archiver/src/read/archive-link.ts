import { S3ArchiverError } from '../errors.ts'
import type { Stop } from '../stop.ts'
import type { StreamLike } from '../types.ts'
import { ArchivePeer } from './archive-peer.ts'
import type { ArchiveView } from './archive-view.ts'
import type { BlockSource } from './block-source.ts'
import { FetchedAhead } from './fetched-ahead.ts'
import { isSameHead, rollback, type HeadMark } from './head-mark.ts'
import type { LocalCore } from './local-core.ts'
import { failBlock, isAwaited, protocolStream, type WireRequest } from './replication-adapter.ts'

/** Requests of the core that are answered at once: as many as Hypercore sends on such a stream. */
const PARALLEL = 64

export interface LinkOptions {
  stop: Stop
  /** Of the blocks that were fetched. */
  cacheBytes: number
  /** The core has another head. */
  onchange: ((head: { fork: number; length: number }) => void) | undefined
  /** Whether sessions are served that do not tell for what they wait. */
  allSessions: boolean
}

/** Connects a core with a peer that has what the archive has, takes it to the head that the archive was seen at, and answers who waits for a block. */
export class ArchiveLink {
  readonly #local: LocalCore
  readonly #view: ArchiveView
  readonly #stop: Stop
  readonly #onchange: ((head: { fork: number; length: number }) => void) | undefined
  readonly #fetched: FetchedAhead
  readonly #announces: 'demand' | 'all'
  /** The head that the core is at, and where it is read. */
  #told: HeadMark
  #source: BlockSource
  #peer: ArchivePeer | null = null
  #streams: StreamLike[] = []
  #following: Promise<void> | null = null
  #isClosed = false
  /** Waits for blocks that the archive does not have yet. */
  #ahead: number[] = []

  constructor(local: LocalCore, view: ArchiveView, { stop, cacheBytes, onchange, allSessions }: LinkOptions) {
    this.#announces = allSessions ? 'all' : 'demand'
    this.#local = local
    this.#view = view
    this.#stop = stop
    this.#onchange = onchange
    this.#fetched = new FetchedAhead(cacheBytes, (seq) => isAwaited(local.session, seq))
    this.#told = view.mark
    this.#source = view.source
    this.#stop.addEventListener('abort', () => {
      for (const seq of this.#ahead.splice(0)) void this.demand(seq)
    })
  }

  /** The head that the core is at. */
  get head(): HeadMark {
    return this.#told
  }

  /**
   * Takes the core to the head that the archive was seen at; connects it when it is not.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK` when it is of another history; what the store throws
   */
  follow(): Promise<void> {
    this.#following ??= this.#goOn().finally(() => (this.#following = null))
    return this.#following
  }

  /** Somebody waits for a block. Never throws: who waits is told. */
  async demand(seq: number): Promise<void> {
    const { session } = this.#local
    try {
      // Whoever waits is noted only once this has returned.
      await Promise.resolve()
      if (this.#stop.aborted) throw this.#isClosed ? closed() : aborted()
      if (this.#isBehind) await this.follow()
      if (seq >= this.#told.length) {
        // Others, who are ahead of the archive, may have it.
        if (seq < session.length && session.peers.length > 1) return
        if (seq < session.length) throw missing(seq)
        this.#ahead.push(seq)
        return
      }
      // Hypercore asks by itself, and who waits is told there when it fails.
      if (this.#announces === 'all') return
      const { source } = this.#view
      if (this.#fetched.add(seq, source.sizeOf(seq))) await source.block(seq)
      // It may have been found on another head by the way.
      if (this.#isBehind) await this.follow()
      if (source === this.#source) this.#peer?.announce(seq)
      else await this.demand(seq)
    } catch (error) {
      failBlock(session, seq, error as Error)
      this.#catchUp()
    }
  }

  /** To be called before the signal is aborted: who waits is told that it was closed. */
  markClosed(): void {
    this.#isClosed = true
  }

  disconnect(): void {
    this.#peer?.close()
    this.#peer = null
    for (const stream of this.#streams.splice(0)) stream.destroy()
  }

  get #isBehind(): boolean {
    return (
      this.#peer?.isClosed !== false ||
      this.#view.source !== this.#source ||
      !isSameHead(this.#view.mark, this.#told)
    )
  }

  async #goOn(): Promise<void> {
    while (this.#isBehind) {
      const { mark, source } = this.#view
      if (source !== this.#source && mark.fork === this.#told.fork)
        throw rollback('another history, signed with the same key')
      try {
        if (this.#peer?.isClosed === false) this.#peer.setSource(source)
        else await this.#connect(source)
        await this.#local.arriveAt(mark, this.#stop)
        await this.#local.setMark(mark)
      } catch (error) {
        // What was asked for is not asked for again on the same connection.
        this.disconnect()
        throw error
      }
      const isNew = !isSameHead(mark, this.#told)
      this.#told = mark
      this.#source = source
      this.#peer?.settle()
      if (isNew) this.#onchange?.({ fork: mark.fork, length: mark.length })
      for (const seq of this.#ahead.splice(0)) void this.demand(seq)
    }
  }

  async #connect(source: BlockSource): Promise<void> {
    this.disconnect()
    const { session } = this.#local
    const local = session.replicate(true, { keepAlive: false })
    const remote = protocolStream(false)
    this.#streams = [local, remote]
    for (const stream of this.#streams) stream.on('error', () => {})
    local.pipe(remote).pipe(local)
    this.#peer = await ArchivePeer.join(remote, source, {
      announces: this.#announces,
      parallel: PARALLEL,
      onfailure: (error, request) => this.#onfailure(error, request),
      onrefused: (request) => this.#onrefused(request)
    })
    if (this.#peer === null) throw closed()
    if (session.fork !== source.archived.record.fork) this.#peer.announceFork()
  }

  #onfailure(error: Error, { block, upgrade }: WireRequest): void {
    if (block === null || upgrade !== null) this.#local.fail(error)
    if (block !== null) failBlock(this.#local.session, block.index, error)
    this.#catchUp()
  }

  /** What could not be read may have been moved: another head was found then. */
  #catchUp(): void {
    if (this.#peer?.isClosed === false && this.#isBehind) void this.follow().catch(() => {})
  }

  /** The core may be on another fork than the archive; what is waited for is asked for again once it is not. */
  #onrefused({ block, fork }: WireRequest): void {
    if (block === null) return
    const isAhead = fork > this.#view.mark.fork
    if (isAhead) failBlock(this.#local.session, block.index, rollback(`the core has fork ${fork}`))
    else void this.demand(block.index)
  }
}

export function closed(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_CLOSED', 'it was closed')
}

export function missing(seq: number): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_MISSING_BLOCKS', `the archive does not have block ${seq} of a core`)
}

function aborted(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_ABORTED', 'the call was aborted')
}
