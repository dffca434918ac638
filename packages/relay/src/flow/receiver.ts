import type { FlowIo, FlowWindows } from './flow-io.ts'
import type { PathSet } from './path-set.ts'
import { ReceiveQueue } from './receive-queue.ts'
import type { Voice } from './voice.ts'

/** Of the window, and of what has come since the paths are what they are: when so much was taken that nobody was told of, it is said at once. */
const TOLD_AT = 1 / 8
/** And no less than this. */
const LEAST_TOLD_BYTES = 4_096

/** The half of a flow that receives: hands on what comes, in order and each byte once, and tells the other side what was taken. */
export class Receiver {
  readonly #queue: ReceiveQueue
  readonly #windowBytes: number
  readonly #paths: PathSet
  readonly #voice: Voice
  readonly #onuntold: () => void
  #ackedTaken = 0
  /** What had come when a path came or went: whoever sends learns anew what it carries, from what is said of it. */
  #changedAt = 0
  /** It could not be acknowledged, or may have been lost. */
  #ackDue = false

  constructor(io: FlowIo, { own }: FlowWindows, paths: PathSet, voice: Voice) {
    this.#queue = new ReceiveQueue(
      own,
      (bytes) => io.deliver(bytes),
      () => io.onfinish()
    )
    this.#windowBytes = own
    this.#paths = paths
    this.#voice = voice
    this.#onuntold = () => io.onuntold()
  }

  /** All before this byte is here. */
  get have(): number {
    return this.#queue.have
  }

  /** All before this byte was taken by the reader, the end of the stream included. */
  get taken(): number {
    return this.#queue.takenWithEnd
  }

  /** The stream has ended, and all of it was taken. */
  get endTaken(): boolean {
    return this.#queue.takenWithEnd > this.#queue.taken
  }

  /** @returns false for what the other side must not send */
  onsegment(offset: number, bytes: Uint8Array): boolean {
    const arrival = this.#queue.arrive(offset, bytes, false)
    // The end came before, over a faster path.
    if (this.endTaken) this.acknowledge()
    return arrival !== 'too much'
  }

  /** @returns false for what the other side must not send */
  onfin(offset: number): boolean {
    const arrival = this.#queue.arrive(offset, new Uint8Array(0), true)
    if (arrival === 'taken') this.acknowledge()
    return arrival !== 'too much'
  }

  /** The reader has taken so many bytes. */
  took(bytes: number): void {
    this.#queue.take(bytes)
    const since = Math.min(this.#windowBytes, this.#queue.taken - this.#changedAt)
    if (this.#queue.taken - this.#ackedTaken >= Math.max(LEAST_TOLD_BYTES, since * TOLD_AT))
      this.acknowledge()
    else this.#onuntold()
  }

  /** Says what was taken, if that is news; on a path that is full once there is room. */
  acknowledge(): void {
    if (this.#voice.hasRoom) this.acknowledgeNow()
    else this.#ackDue = true
  }

  /** The same, also on a path that is full. */
  acknowledgeNow(): void {
    this.#ackDue = false
    const taken = this.#queue.takenWithEnd
    const { best } = this.#paths
    if (taken === this.#ackedTaken || best === null) return
    this.#ackedTaken = taken
    this.#voice.say(best, { type: 'ack', offset: taken })
  }

  /** What was said may have been lost, and is due again. */
  forgetTold(): void {
    this.#ackedTaken = 0
    this.#changedAt = this.#queue.taken
    this.#ackDue = true
  }

  /** Says what is due, where there is room. */
  settle(): void {
    if (this.#ackDue) this.acknowledge()
  }
}
