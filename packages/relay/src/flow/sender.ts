import { flowFrame, segmentHeader } from './flow-frames.ts'
import type { FlowIo, FlowWindows } from './flow-io.ts'
import type { FlowPath } from './path-set.ts'
import { SendQueue } from './send-queue.ts'

/** The half of a flow that sends: puts what was written on paths, as far as the windows let it. */
export class Sender {
  readonly #queue = new SendQueue()
  readonly #windows: FlowWindows
  readonly #transmit: FlowIo['transmit']

  constructor(windows: FlowWindows, transmit: FlowIo['transmit']) {
    this.#windows = windows
    this.#transmit = transmit
  }

  /** Bytes that were written, and not taken yet. */
  get heldBytes(): number {
    return this.#queue.held
  }

  get hasRoom(): boolean {
    return this.#queue.held < this.#windows.own
  }

  /** All that was written, and the end, has been taken. */
  get allTaken(): boolean {
    return this.#queue.finished && this.#queue.held === 0
  }

  write(bytes: Uint8Array): void {
    this.#queue.write(bytes)
  }

  finish(): void {
    this.#queue.finish()
  }

  /** The other side has taken all before `offset`. @returns false for what was never sent */
  taken(offset: number): boolean {
    return this.#queue.release(offset)
  }

  /** What follows `theirHave` is sent again. @returns false for what was never sent */
  goBack(theirHave: number): boolean {
    // What came late over a slow path may be less than was acknowledged over a faster one since.
    return this.#queue.rewind(Math.max(theirHave, this.#queue.base))
  }

  /** Sends what there is, until the path is full. */
  pump(path: FlowPath): void {
    const limit = this.#queue.base + Math.min(this.#windows.own, this.#windows.theirs)
    while (!path.full) {
      const segment = this.#queue.take(limit)
      if (segment === null) return
      const { offset, bytes } = segment
      path.full = !(bytes.length === 0
        ? this.#transmit(path.id, flowFrame({ type: 'fin', offset }))
        : this.#transmit(path.id, segmentHeader(offset), bytes))
    }
  }
}
