import type { StreamLike } from '../types.ts'
import type { BlockSource } from './block-source.ts'
import { openChannel, prove, type Channel, type WireRequest, type WireSync } from './replication-adapter.ts'

export interface ArchivePeerOptions {
  /**
   * `demand`: announces no block until it is told to, so that nothing is asked for which nobody waits for. `all`: announces every block.
   */
  announces: 'demand' | 'all'
  /** Requests that are answered at once; the others wait. */
  parallel: number
  /** A request could not be answered. */
  onfailure?: (error: Error, request: WireRequest) => void
  /** What was asked for is not here. */
  onrefused?: (request: WireRequest) => void
  onclose?: () => void
}

/** Requests of one peer that wait; Hypercore sends at most 512 at once. */
const MAX_WAITING = 2048

/** A peer that has what is in an archive, and speaks Hypercore's own protocol: Hypercore checks each block that it gets from it. */
export class ArchivePeer {
  readonly #options: ArchivePeerOptions
  #source: BlockSource
  #channel: Channel | null = null
  #isOpen = false
  #isClosed = false
  /** Of the other side, on our fork. */
  #remoteLength = 0
  /** By id, of those that are answered now; those that were cancelled are gone. */
  readonly #requests = new Map<number, WireRequest>()
  /** By id, in the order in which they came. */
  readonly #waiting = new Map<number, WireRequest>()
  /** Blocks that were announced one by one and not asked for yet. */
  readonly #wanted = new Set<number>()
  /** Blocks from the first on that were all announced for a while. */
  #announced = 0
  #running = 0

  private constructor(source: BlockSource, options: ArchivePeerOptions) {
    this.#source = source
    this.#options = options
  }

  /** Joins a stream. @returns `null` when it is closed, or the core is replicated on it already */
  static async join(
    stream: StreamLike,
    source: BlockSource,
    options: ArchivePeerOptions
  ): Promise<ArchivePeer | null> {
    const peer = new ArchivePeer(source, options)
    peer.#channel = await openChannel(stream, source.key, {
      onopen: () => {
        peer.#isOpen = true
        peer.#sendHead()
      },
      onsync: (state) => peer.#onsync(state),
      onrequest: (request) => peer.#onrequest(request),
      oncancel: (id) => {
        peer.#requests.delete(id)
        peer.#waiting.delete(id)
      },
      ondrain: () => peer.#next(),
      onclose: () => peer.close()
    })
    return peer.#channel === null ? null : peer
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Goes on with another head. {@link settle} has to follow. */
  setSource(source: BlockSource): void {
    const isOtherFork = source.archived.record.fork !== this.#source.archived.record.fork
    this.#source = source
    this.#remoteLength = isOtherFork ? 0 : this.#remoteLength
    if (isOtherFork) this.announceFork()
    else this.#sendHead()
  }

  /** Hypercore looks for where a fork begins only among blocks that a peer has. {@link settle} has to follow. */
  announceFork(): void {
    if (this.#options.announces === 'demand') this.#announced = this.#source.archived.record.length
    this.#sendHead()
  }

  /** The other side has come to the head: from now on it asks for nothing that nobody waits for. */
  settle(): void {
    if (this.#announced > 0) this.#channel?.withdraw(0, this.#announced)
    this.#announced = 0
    for (const seq of this.#wanted) this.announce(seq)
  }

  /** Says that a block is here. It has to be. */
  announce(seq: number): void {
    if (!this.#isOpen) return
    this.#wanted.add(seq)
    this.#channel?.announce(seq, 1)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isOpen = false
    this.#requests.clear()
    this.#waiting.clear()
    this.#channel?.close()
    this.#options.onclose?.()
  }

  #sendHead(): void {
    if (!this.#isOpen) return
    const { fork, length } = this.#source.archived.record
    this.#channel?.sync({ fork, length, remoteLength: this.#remoteLength, isPublished: true })
    if (this.#options.announces === 'all') this.#announceAll()
    else if (this.#announced > 0) this.#channel?.announce(0, this.#announced)
  }

  #withdraw(seq: number): void {
    const { length } = this.#source.archived.record
    this.#channel?.withdraw(seq, 1)
    // By that the other side forgets all that come after it.
    if (this.#options.announces === 'all' && seq + 1 < length)
      this.#channel?.announce(seq + 1, length - seq - 1)
  }

  #announceAll(): void {
    for (const { kind, start, count } of this.#source.archived.record.segments)
      if (kind !== 'hole') this.#channel?.announce(start, count)
  }

  /** The other side asks for more only once it was told how far we know it to be. */
  #onsync({ fork, length }: WireSync): void {
    const known = fork === this.#source.archived.record.fork ? length : 0
    if (known === this.#remoteLength) return
    this.#remoteLength = known
    this.#sendHead()
  }

  #onrequest(request: WireRequest): void {
    if (request.block !== null) this.#wanted.delete(request.block.index)
    this.#waiting.set(request.id, request)
    // No Hypercore asks for so much: who does is not to fill our memory.
    if (this.#waiting.size > MAX_WAITING) this.close()
    else this.#next()
  }

  /** Begins nothing new while the other side takes nothing: what it was to be sent would fill our memory. */
  #next(): void {
    while (this.#running < this.#options.parallel && this.#channel?.isDrained !== false) {
      const [request] = this.#waiting.values()
      if (request === undefined) return
      this.#waiting.delete(request.id)
      this.#requests.set(request.id, request)
      this.#running++
      void this.#answer(request).finally(() => {
        this.#running--
        this.#next()
      })
    }
  }

  async #answer(request: WireRequest): Promise<void> {
    let answer: object | null = null
    let failure: Error | null = null
    try {
      answer = await prove(this.#source, request)
    } catch (error) {
      failure = error as Error
    }
    const isWanted = this.#requests.get(request.id) === request
    if (isWanted) this.#requests.delete(request.id)
    // It was cancelled in the meantime.
    if (isWanted && answer === null) this.#refuse(request)
    else if (isWanted && answer !== null) this.#channel?.answer(answer)
    if (failure !== null) this.#options.onfailure?.(failure, request)
    else if (answer === null) this.#options.onrefused?.(request)
  }

  #refuse({ id, block }: WireRequest): void {
    // Told only that it is not here now, it would ask again at once, and after some more times never for anything.
    if (block !== null) this.#withdraw(block.index)
    this.#channel?.refuse(id)
  }
}
