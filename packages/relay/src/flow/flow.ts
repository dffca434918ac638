import { type FlowFrame, readFlowFrame } from './flow-frames.ts'
import type { FlowIo, FlowWindows } from './flow-io.ts'
import { PathSet } from './path-set.ts'
import { ReceiveQueue } from './receive-queue.ts'
import { Sender } from './sender.ts'
import { Voice } from './voice.ts'

/**
 * A stream of bytes in each direction, in order and each once, over paths that come and go.
 *
 * Pure: no timers, no sockets. Each side sends on the best path it knows (least rank, then least number), and may differ from the other in
 * that: a receiver takes segments from any path, by their offset. A path that ends may have lost bytes; then the sides tell each other what
 * they have, and go on from there over another. Segments are kept until the other side's reader has taken them, so there is nothing that
 * could not be sent again, and never more under way than the window. What it is given was proven to be all that the other side has sent on that
 * path so far, in order: what is missing then was sent on another.
 */
export class Flow {
  readonly #io: FlowIo
  readonly #windows: FlowWindows
  readonly #out: Sender
  readonly #in: ReceiveQueue
  readonly #paths = new PathSet()
  readonly #voice: Voice
  /** Paths that ended here, and what the other side has is not known yet. */
  readonly #unanswered = new Set<number>()
  #ackedTaken = 0
  /** It could not be acknowledged, or may have been lost. */
  #ackDue = false

  constructor(io: FlowIo, windows: FlowWindows) {
    this.#io = io
    this.#windows = windows
    this.#voice = new Voice(this.#paths, (path, head) => io.transmit(path, head))
    this.#out = new Sender(windows, (path, head, bytes) => io.transmit(path, head, bytes))
    this.#in = new ReceiveQueue(
      windows.own,
      (bytes) => io.deliver(bytes),
      () => io.onfinish()
    )
  }

  /** Bytes that were written, and not taken yet. */
  get heldBytes(): number {
    return this.#out.heldBytes
  }

  /** Whether more should be written now. */
  get hasRoom(): boolean {
    return this.#out.hasRoom
  }

  /** All that was written, and the end, has been taken by the other side's reader. */
  get allTaken(): boolean {
    return this.#out.allTaken
  }

  /** Something is here that the other side should have, or is under way. */
  get busy(): boolean {
    return this.#out.heldBytes > 0
  }

  /** Numbers of the paths, the best first. */
  get paths(): number[] {
    return this.#paths.ids
  }

  /** The path that bytes are sent on now; `null` when there is none. */
  get best(): number | null {
    return this.#paths.best?.id ?? null
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
    if (this.#in.taken - this.#ackedTaken >= this.#windows.own / 8) this.acknowledge()
    else this.#io.onuntold()
  }

  /** Tells the other side what was taken, if that is news; on a path that is full once there is room. */
  acknowledge(): void {
    if (this.#voice.hasRoom) this.#acknowledgeNow()
    else this.#ackDue = true
  }

  /** Says the last things. @param finished - both streams came to their end; else the other side is told that this one gives up */
  end(finished: boolean): void {
    this.#acknowledgeNow()
    const { best } = this.#paths
    if (!finished && best !== null) this.#voice.say(best, { type: 'reset' })
  }

  /**
   * A path was joined.
   *
   * @param rank - lower is better
   */
  addPath(id: number, rank: number): void {
    this.#paths.add(id, rank)
    this.#tellDead()
    this.#pump()
  }

  /** A path has ended: what was on it may not have arrived. */
  dropPath(id: number): void {
    if (!this.#paths.delete(id)) return
    this.#unanswered.add(id)
    this.#tellDead()
    this.#pump()
  }

  /** A path that is no longer wanted: it ends when both sides have sent their last on it. */
  retirePath(id: number): void {
    const path = this.#paths.get(id)
    if (path === null || !this.#paths.retire(id)) return
    this.#voice.say(path, { type: 'retire' })
    this.#pump()
  }

  /** A path that was full takes more. */
  drained(id: number): void {
    const path = this.#paths.get(id)
    if (path !== null) path.full = false
    this.#pump()
  }

  /** Asks the other side whether it is there. */
  probe(id: number): void {
    this.#ask(id, 'probe')
  }

  /** A frame came, in parts as it was sent. @returns false for what a device that follows the protocol does not send */
  receive(id: number, head: Uint8Array, bytes?: Uint8Array): boolean {
    if (this.#paths.get(id) === null) return true
    const frame = readFlowFrame(head, bytes)
    return frame !== null && this.#take(id, frame)
  }

  #take(id: number, frame: FlowFrame): boolean {
    switch (frame.type) {
      case 'segment':
        return this.#in.arrive(frame.offset, frame.bytes, false) !== 'too much'
      case 'fin':
        return this.#onfin(frame.offset)
      case 'ack':
        return this.#onack(frame.offset)
      case 'dead':
        return this.#ondead(id, frame.path, frame.offset)
      case 'resume':
        return this.#unanswered.has(frame.path) ? this.#goBack(frame.path, frame.offset) : true
      case 'retire':
        return this.#onretire(id)
      case 'retired':
        return this.#onretired(id)
      case 'probe':
        this.#ask(id, 'probed')
        return true
      case 'reset':
        this.#io.onreset()
        return true
      default:
        return frame.type === 'probed'
    }
  }

  #onfin(offset: number): boolean {
    const arrival = this.#in.arrive(offset, new Uint8Array(0), true)
    if (arrival === 'taken') this.acknowledge()
    return arrival !== 'too much'
  }

  #onack(offset: number): boolean {
    if (!this.#out.taken(offset)) return false
    this.#pump()
    this.#io.onroom()
    return true
  }

  #ondead(id: number, path: number, theirHave: number): boolean {
    if (path === id) return false
    if (this.#paths.delete(path)) {
      this.#io.onforsaken(path)
      this.#tellDead()
    }
    return this.#voice.owe('resume', [path]) && this.#goBack(path, theirHave)
  }

  #goBack(path: number, theirHave: number): boolean {
    this.#unanswered.delete(path)
    this.#voice.forget('dead', path)
    if (!this.#out.goBack(theirHave)) return false
    this.#pump()
    return true
  }

  #onretire(id: number): boolean {
    const path = this.#paths.get(id)
    if (path !== null) this.#voice.say(path, { type: 'retired' })
    // Nothing more comes on it. Who wished it to end closes it, once it has read the answer.
    this.#paths.delete(id)
    this.#io.onleft(id)
    this.#pump()
    return true
  }

  #onretired(id: number): boolean {
    if (this.#paths.get(id)?.retiring !== true) return false
    this.#paths.delete(id)
    this.#io.onretired(id)
    this.#pump()
    return true
  }

  /** Says again whatever may have been lost with a path. */
  #tellDead(): void {
    this.#ackedTaken = 0
    this.#ackDue = true
    this.#voice.owe('dead', this.#unanswered)
  }

  #ask(id: number, type: 'probe' | 'probed'): void {
    this.#voice.ask(this.#paths.get(id), type)
    this.#voice.settle(this.#in.have)
  }

  #acknowledgeNow(): void {
    this.#ackDue = false
    const taken = this.#in.takenWithEnd
    const { best } = this.#paths
    if (taken === this.#ackedTaken || best === null) return
    this.#ackedTaken = taken
    this.#voice.say(best, { type: 'ack', offset: taken })
  }

  #pump(): void {
    if (this.#ackDue) this.acknowledge()
    this.#voice.settle(this.#in.have)
    const { best } = this.#paths
    if (best !== null && this.#unanswered.size === 0) this.#out.pump(best)
  }
}
