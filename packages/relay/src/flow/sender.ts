import { flowFrame, segmentHeader } from './flow-frames.ts'
import type { FlowIo, FlowWindows } from './flow-io.ts'
import { Pace, type PaceLimits } from './pace.ts'
import type { FlowPath } from './path-set.ts'
import { SendQueue } from './send-queue.ts'

/** The half of a flow that sends: puts what was written on paths, as far as the windows let it, and as fast as they carry it. */
export class Sender {
  readonly #queue = new SendQueue()
  readonly #windows: FlowWindows
  readonly #io: Pick<FlowIo, 'transmit' | 'now'>
  readonly #pace: Pace
  /** That something was sent on last. */
  #path: number | null = null
  /** What was sent before this place is on other paths, if it is anywhere. */
  #from = 0

  constructor(windows: FlowWindows, io: Pick<FlowIo, 'transmit' | 'now'>, limits?: PaceLimits) {
    this.#windows = windows
    this.#io = io
    this.#pace = new Pace(Math.min(windows.own, windows.theirs), limits)
  }

  /** All that was written, the end included. */
  get written(): number {
    return this.#queue.end
  }

  /** Bytes that were written, and not taken yet. */
  get heldBytes(): number {
    return this.#queue.held
  }

  get hasRoom(): boolean {
    return this.#queue.held < this.#windows.own
  }

  /** Nothing more is written. */
  get finished(): boolean {
    return this.#queue.finished
  }

  /** All that was written, and the end, has been taken. */
  get allTaken(): boolean {
    return this.finished && this.#queue.held === 0
  }

  write(bytes: Uint8Array): void {
    this.#queue.write(bytes)
  }

  finish(): void {
    this.#queue.finish()
  }

  /** The other side has taken all before `offset`. @returns false for what was never sent */
  taken(offset: number): boolean {
    const { base } = this.#queue
    if (!this.#queue.release(offset)) return false
    this.#pace.acknowledged(base, offset, this.#io.now())
    return true
  }

  /** What follows `theirHave` is sent again. @returns false for what was never sent */
  goBack(theirHave: number): boolean {
    this.#path = null
    // What came late over a slow path may be less than was acknowledged over a faster one since.
    return this.#queue.rewind(Math.max(theirHave, this.#queue.base))
  }

  /** Sends what there is, until the path is full. */
  pump(path: FlowPath): void {
    if (path.id !== this.#path) this.#begin(path.id)
    while (!path.full) {
      const segment = this.#queue.take(this.#limit, this.#pace.segmentBytes)
      if (segment === null) return
      const { offset, bytes, size } = segment
      this.#pace.sent(offset + size, this.#queue.base, this.#io.now())
      path.full = !(bytes.length === 0
        ? this.#io.transmit(path.id, flowFrame({ type: 'fin', offset }))
        : this.#io.transmit(path.id, segmentHeader(offset), bytes))
    }
  }

  /** Nothing is known of what this path carries. */
  #begin(path: number): void {
    this.#path = path
    this.#from = this.#queue.sent
    this.#pace.restart()
  }

  get #limit(): number {
    const { base } = this.#queue
    const window = Math.min(this.#windows.own, this.#windows.theirs)
    return Math.min(base + window, Math.max(base, this.#from) + this.#pace.mostBytes)
  }
}
