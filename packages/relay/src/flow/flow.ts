import { type FlowFrame, flowFrame, readFlowFrame, segmentHeader } from './flow-frames.ts'
import { ReceiveQueue } from './receive-queue.ts'
import { SendQueue } from './send-queue.ts'

/** What a {@link Flow} does to the world. */
export interface FlowIo {
  /** Sends a frame, in parts. @returns false when the path is full: `drained` follows */
  transmit(path: number, parts: readonly Uint8Array[]): boolean
  /** The next bytes of the other side's stream, in order. They may be views of what came. */
  deliver(bytes: Uint8Array): void
  /** The other side's stream has ended. */
  onfinish(): void
  /** There may be room to write again, or all that was written has been taken. */
  onroom(): void
  /** The reader has taken bytes, and the other side was not told: `acknowledge` soon. */
  onuntold(): void
  /** The other side gave up. */
  onreset(): void
  /** The other side leaves this path in peace, and so does this one: whoever wished it closes it. */
  onleft(path: number): void
  /** The other side says, as the last thing on this path, that it does not use it any more. */
  onretired(path: number): void
  /** The other side has dropped this path: it is no path of this flow any more. */
  onforsaken(path: number): void
}

interface PathState {
  readonly id: number
  readonly rank: number
  full: boolean
  /** This side sends nothing on it any more. */
  retiring: boolean
}

/**
 * A stream of bytes in each direction, in order and each once, over paths that come and go.
 *
 * Pure: no timers, no sockets. Each side sends on the best path it knows (least rank, then least number), and may differ from the other in
 * that: a receiver takes segments from any path, by their offset. A path that ends may have lost bytes; then the sides tell each other what
 * they have, and go on from there over another. Segments are kept until the other side's reader has taken them, so there is nothing that
 * could not be sent again, and never more under way than the window. All frames but segments are authentic, and in order on each path.
 */
export class Flow {
  readonly #io: FlowIo
  readonly #windowBytes: number
  readonly #out = new SendQueue()
  readonly #in: ReceiveQueue
  readonly #paths = new Map<number, PathState>()
  /** Paths that ended here, and what the other side has is not known yet. */
  readonly #unanswered = new Set<number>()
  /** Paths that ended, and the other side has not gone back yet. */
  readonly #owed = new Set<number>()
  #ackedTaken = 0

  constructor(io: FlowIo, windowBytes: number) {
    this.#io = io
    this.#windowBytes = windowBytes
    this.#in = new ReceiveQueue(
      windowBytes,
      (bytes) => io.deliver(bytes),
      () => io.onfinish()
    )
  }

  /** All of the other side's bytes before this one are here. */
  get have(): number {
    return this.#in.have
  }

  /** Bytes that were written, and not taken yet. */
  get heldBytes(): number {
    return this.#out.held
  }

  /** Whether more should be written now. */
  get hasRoom(): boolean {
    return this.#out.held < this.#windowBytes
  }

  /** All that was written, and the end, has been taken by the other side's reader. */
  get allTaken(): boolean {
    return this.#out.finished && this.#out.held === 0
  }

  /** Something is here that the other side should have, or is under way. */
  get busy(): boolean {
    return this.#out.held > 0
  }

  /** Numbers of the paths, the best first. */
  get paths(): number[] {
    return [...this.#paths.values()].sort(byRank).map(({ id }) => id)
  }

  /** The path that bytes are sent on now; `null` when there is none. */
  get best(): number | null {
    return this.#best()?.id ?? null
  }

  /** @param bytes - are kept until they are taken */
  write(bytes: Uint8Array): void {
    this.#out.write(bytes)
    this.#pump()
  }

  /** Nothing more is written. */
  finish(): void {
    this.#out.finish()
    this.#pump()
  }

  /** The reader has taken so many bytes: the other side may send as many more. */
  took(bytes: number): void {
    this.#in.take(bytes)
    if (this.#in.taken - this.#ackedTaken >= this.#windowBytes / 8) this.acknowledge()
    else this.#io.onuntold()
  }

  /** Tells the other side what was taken, if that is news. */
  acknowledge(): void {
    const taken = this.#takenWithEnd()
    if (taken === this.#ackedTaken) return
    if (this.#say({ type: 'ack', offset: taken })) this.#ackedTaken = taken
  }

  /**
   * A path was joined.
   *
   * @param rank - lower is better
   */
  addPath(id: number, rank: number): void {
    this.#paths.set(id, { id, rank, full: false, retiring: false })
    this.#tellDead()
    this.#pump()
  }

  /** A path has ended: what was on it may not have arrived. */
  dropPath(id: number): void {
    if (!this.#paths.delete(id)) return
    this.#unanswered.add(id)
    this.#owed.add(id)
    this.#tellDead()
  }

  /** A path that is no longer wanted: it ends when both sides have sent their last on it. */
  retirePath(id: number): void {
    const path = this.#paths.get(id)
    if (path === undefined || path.retiring || this.#usable().length < 2) return
    path.retiring = true
    this.#io.transmit(id, [flowFrame({ type: 'retire' })])
    this.#pump()
  }

  /** A path that was full takes more. */
  drained(id: number): void {
    const path = this.#paths.get(id)
    if (path !== undefined) path.full = false
    this.#pump()
  }

  /** Asks the other side whether it is there, and tells it what it should have by then. */
  probe(id: number): void {
    if (this.#paths.has(id)) this.#io.transmit(id, [flowFrame({ type: 'probe', offset: this.#out.sent })])
  }

  /** Tells the other side that this one gives up. */
  reset(): void {
    this.#say({ type: 'reset' })
  }

  /** A frame came. @returns false for what an honest path does not bring */
  receive(id: number, bytes: Uint8Array): boolean {
    const frame = readFlowFrame(bytes)
    if (!this.#paths.has(id)) return true
    return frame !== null && this.#take(id, frame)
  }

  /** @returns false for what an honest path does not bring */
  #take(id: number, frame: FlowFrame): boolean {
    switch (frame.type) {
      case 'segment':
        return this.#arrive(frame.offset, frame.bytes, false)
      case 'fin':
        return this.#arrive(frame.offset, new Uint8Array(0), true)
      case 'ack':
        return this.#acked(frame.offset)
      case 'probe':
        this.#io.transmit(id, [flowFrame({ type: 'probed' })])
        return frame.offset <= this.have || this.#uncertain
      case 'dead':
        return this.#ondead(id, frame.path, frame.offset)
      case 'resume':
        return this.#onresume(frame.path, frame.offset)
      case 'rewound':
        this.#owed.delete(frame.path)
        return true
      case 'retire':
        return this.#onretire(id)
      case 'retired':
        if (this.#paths.get(id)?.retiring !== true) return false
        this.#paths.delete(id)
        this.#io.onretired(id)
        this.#pump()
        return true
      case 'reset':
        this.#io.onreset()
        return true
      default:
        return frame.type === 'probed'
    }
  }

  #arrive(offset: number, bytes: Uint8Array, fin: boolean): boolean {
    const arrival = this.#in.arrive(offset, bytes, fin)
    if (arrival === 'too much') return false
    if (fin && arrival === 'taken') this.acknowledge()
    return arrival !== 'early' || this.#uncertain
  }

  /** Bytes may be missing without anybody having lied: they are on another path, or were. */
  get #uncertain(): boolean {
    return this.#paths.size > 1 || this.#owed.size > 0
  }

  #acked(offset: number): boolean {
    if (!this.#out.release(offset)) return false
    this.#pump()
    this.#io.onroom()
    return true
  }

  #ondead(id: number, path: number, theirHave: number): boolean {
    if (path === id) return false
    if (this.#paths.delete(path)) {
      this.#owed.add(path)
      this.#io.onforsaken(path)
      this.#tellDead()
    }
    this.#say({ type: 'resume', path, offset: this.have })
    return this.#goBack(path, theirHave)
  }

  #onresume(path: number, theirHave: number): boolean {
    return this.#unanswered.has(path) ? this.#goBack(path, theirHave) : true
  }

  #goBack(path: number, theirHave: number): boolean {
    this.#unanswered.delete(path)
    this.#say({ type: 'rewound', path })
    // What came late over a slow path may be less than was acknowledged over a faster one since.
    if (!this.#out.rewind(Math.max(theirHave, this.#out.base))) return false
    this.#pump()
    return true
  }

  #onretire(id: number): boolean {
    this.#io.transmit(id, [flowFrame({ type: 'retired' })])
    // Nothing more comes on it. Who wished it to end closes it, once it has read the answer.
    this.#paths.delete(id)
    this.#io.onleft(id)
    this.#pump()
    return true
  }

  /** Says again whatever may have been lost with a path. */
  #tellDead(): void {
    this.#ackedTaken = 0
    this.acknowledge()
    for (const path of this.#unanswered) this.#say({ type: 'dead', path, offset: this.have })
  }

  #takenWithEnd(): number {
    return this.#in.taken + (this.#in.finished && this.#in.taken + 1 === this.#in.have ? 1 : 0)
  }

  #say(frame: Exclude<FlowFrame, { type: 'segment' }>): boolean {
    const best = this.#best()
    if (best !== undefined) this.#io.transmit(best.id, [flowFrame(frame)])
    return best !== undefined
  }

  #pump(): void {
    const path = this.#best()
    if (path === undefined || this.#unanswered.size > 0) return
    while (!path.full) {
      const segment = this.#out.take(this.#out.base + this.#windowBytes)
      if (segment === null) return
      const { offset, bytes } = segment
      const isEnd = bytes.length === 0
      const parts = isEnd ? [flowFrame({ type: 'fin', offset })] : [segmentHeader(offset), bytes]
      path.full = !this.#io.transmit(path.id, parts)
    }
  }

  #usable(): PathState[] {
    return [...this.#paths.values()].filter(({ retiring }) => !retiring)
  }

  #best(): PathState | undefined {
    return this.#usable().sort(byRank)[0]
  }
}

function byRank(a: PathState, b: PathState): number {
  return a.rank - b.rank || a.id - b.id
}
