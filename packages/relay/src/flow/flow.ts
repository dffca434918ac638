import { EMPTY_MESSAGE_BYTES, type FlowFrame, readFlowFrame } from './flow-frames.ts'
import type { FlowIo, FlowWindows } from './flow-io.ts'
import type { PaceLimits } from './pace.ts'
import { PathSet } from './path-set.ts'
import { Receiver } from './receiver.ts'
import { Sender } from './sender.ts'
import { Voice } from './voice.ts'

/** Paths that ended, and that the other side has said nothing about: more than there are at once. */
const MOST_UNANSWERED = 64

/**
 * A stream of bytes in each direction, in order and each once, over paths that come and go.
 *
 * Pure: no timers, no sockets, no clock of its own. Each side sends on the best path it knows (least rank, then least number), and may differ from the other in
 * that: a receiver takes segments from any path, by their offset. A path that ends may have lost bytes; then the sides tell each other what
 * they have, and go on from there over another. Segments are kept until the other side's reader has taken them, so there is nothing that
 * could not be sent again, and never more under way than the window. What it is given was proven to be all that the other side has sent on that
 * path so far, in order: what is missing then was sent on another.
 */
export class Flow {
  readonly #io: FlowIo
  readonly #out: Sender
  readonly #in: Receiver
  readonly #paths = new PathSet()
  readonly #voice: Voice
  /** Paths that ended here, and what the other side has is not known yet. */
  readonly #unanswered = new Set<number>()

  constructor(io: FlowIo, windows: FlowWindows, limits?: PaceLimits) {
    this.#io = io
    this.#voice = new Voice(this.#paths, (path, head) => io.transmit(path, head))
    this.#out = new Sender(windows, io, limits)
    this.#in = new Receiver(io, windows, this.#paths, this.#voice)
  }

  /** All that was written, the end included. */
  get written(): number {
    return this.#out.written
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

  /** Both streams came to their end, and were taken by their readers. */
  get finished(): boolean {
    return this.#out.allTaken && this.#in.endTaken
  }

  /** Something is here that the other side should have, or is under way: more than an empty message. */
  get busy(): boolean {
    return this.#out.heldBytes > (this.#out.finished ? 0 : EMPTY_MESSAGE_BYTES)
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
    this.#in.took(bytes)
  }

  /** All before this byte was taken, the end of the stream included. */
  get taken(): number {
    return this.#in.taken
  }

  /** Tells the other side what was taken, if that is news; on a path that is full once there is room. */
  acknowledge(): void {
    this.#in.acknowledge()
  }

  /** Says the last things. @param finished - both streams came to their end; else the other side is told that this one gives up */
  end(finished: boolean): void {
    this.#in.acknowledgeNow()
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
    this.#forgetOldest()
    this.#tellDead()
    this.#pump()
  }

  /** A path that is no longer wanted: it ends when both sides have sent their last on it. @returns false where it is being left already, or is the last */
  retirePath(id: number): boolean {
    const path = this.#paths.get(id)
    if (path === null || !this.#paths.retire(id)) return false
    this.#voice.say(path, { type: 'retire' })
    this.#pump()
    return true
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
        return this.#in.onsegment(frame.offset, frame.bytes)
      case 'fin':
        return this.#in.onfin(frame.offset)
      case 'ack':
        return this.#onack(frame.offset)
      case 'dead':
        return this.#ondead(id, frame.path, frame.offset)
      case 'resume':
        return this.#unanswered.has(frame.path) ? this.#goBack(frame.path, frame.offset) : true
      case 'retire':
        return this.#paths.get(id)?.retiring === true ? this.#onretired(id) : this.#onretire(id)
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
      // It was left in peace, and what was said last on it may be lost all the same.
    } else this.#in.forgetTold()
    return this.#voice.owe('resume', [path]) && this.#goBack(path, theirHave)
  }

  #goBack(path: number, theirHave: number): boolean {
    this.#answered(path)
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

  /** What the other side has, once it says so about one of these, it has after all that was lost before. */
  #forgetOldest(): void {
    for (const oldest of this.#unanswered) {
      if (this.#unanswered.size <= MOST_UNANSWERED) return
      this.#unanswered.delete(oldest)
      this.#voice.forget('dead', oldest)
    }
  }

  /** What the other side has by now it has after all that was lost before, too: an answer about that may have been lost with this path. */
  #answered(path: number): void {
    if (!this.#unanswered.has(path)) return
    for (const older of this.#unanswered) {
      this.#unanswered.delete(older)
      if (older === path) return
    }
  }

  /** Says again whatever may have been lost with a path. */
  #tellDead(): void {
    this.#in.forgetTold()
    this.#voice.owe('dead', this.#unanswered)
  }

  #ask(id: number, type: 'probe' | 'probed'): void {
    this.#voice.ask(this.#paths.get(id), type)
    this.#voice.settle(this.#in.have)
  }

  #pump(): void {
    this.#in.settle()
    this.#voice.settle(this.#in.have)
    const { best } = this.#paths
    if (best !== null && this.#unanswered.size === 0) this.#out.pump(best)
  }
}
