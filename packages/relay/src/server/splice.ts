import type { Lease } from '../policy/lease.ts'
import { lengthOf } from '../protocol/frames.ts'
import { type Refusal, refusal } from '../protocol/refusal.ts'
import type { Wire } from '../wires/wire.ts'
import { HeldFrames } from './held-frames.ts'

/** One side of a splice. */
export interface SpliceSide {
  readonly wire: Wire
  readonly lease: Lease | null
  /** Of the server's clock: its silence is too long then. */
  readonly deadline: number
  /** Ends it, and says why. */
  refuse(why: Refusal): void
  /** Ends it, because the other side is gone. */
  leave(): void
  /** Ends it now: it has taken nothing for too long. */
  expire(): void
  send(message: { readonly type: 'draining' }): void
}

/** One direction of a splice: who reads, and why it is paused. */
interface Lane {
  readonly from: SpliceSide
  readonly to: SpliceSide
  /** Frames that were read, and are held up by the rate. */
  readonly waiting: HeldFrames
  /** Whether anything was passed on: before that it waits for what its device owes already. */
  begun: boolean
  full: boolean
  /** Until the rate lets it go on; `null` where it is not held up. */
  timer: unknown
  fullSince: number
}

/** A grant's connections take turns: each passes on so much of a second's worth, whole frames, and at least {@link LEAST_TURN_BYTES}. */
const TURN_SECONDS = 1 / 16
const LEAST_TURN_BYTES = 4_096

/** What a splice needs to know and to tell. */
export interface SpliceOptions {
  now: () => number
  /** Called with every run of bytes that is passed on. */
  onbytes: (bytes: number) => void
}

/**
 * Two connections joined: what one sends goes to the other as it is.
 *
 * It holds nothing itself but what it has read already of a device that is held up by its rate. When the receiver is slower, the sender is not read until the receiver's socket has
 * drained, so that a stalled one costs what its socket holds and one chunk. Each device spends the bytes it sends.
 */
export class Splice {
  readonly opener: SpliceSide
  readonly target: SpliceSide
  readonly #lanes: readonly [Lane, Lane]
  readonly #options: SpliceOptions
  #ended = false

  constructor(opener: SpliceSide, target: SpliceSide, options: SpliceOptions) {
    this.opener = opener
    this.target = target
    this.#options = options
    this.#lanes = [lane(opener, target), lane(target, opener)]
  }

  /** Passes whole DATA frames on. */
  forward(from: SpliceSide, frames: readonly Uint8Array[]): void {
    const lane = this.#lanes.find((lane) => lane.from === from)
    if (this.#ended || lane === undefined) return
    if ((from.lease?.bytesPerSecond ?? 0) === 0) return this.#pass(lane, frames)
    lane.waiting.add(frames)
    const owed = lane.begun || lane.timer !== null ? 0 : (from.lease?.debtMs ?? 0)
    if (owed > 0) this.#throttle(lane, owed)
    this.#pump(lane)
  }

  /** Bytes that were read of this side, and are held up. */
  heldBytes(from: SpliceSide): number {
    return this.#lanes.find((lane) => lane.from === from)?.waiting.bytes ?? 0
  }

  #pump(lane: Lane): void {
    while (lane.waiting.bytes > 0 && !lane.full && lane.timer === null && !this.#ended)
      this.#pass(lane, turnOf(lane))
    if (lane.waiting.bytes > 0) lane.from.wire.pause()
  }

  #pass(lane: Lane, frames: readonly Uint8Array[]): void {
    const { from, to } = lane
    lane.begun = true
    const bytes = lengthOf(frames)
    const wait = from.lease?.spend(bytes) ?? null
    // Ends the splice, too: the other side has done nothing, and hears that this one is gone.
    if (wait === null) return from.refuse(refusal('RELAY_QUOTA'))
    this.#options.onbytes(bytes)
    if (!to.wire.write(...frames) && !lane.full) {
      lane.full = true
      lane.fullSince = this.#options.now()
      from.wire.pause()
    }
    if (wait > 0) this.#throttle(lane, wait)
  }

  /** The socket of this side has room again. */
  drained(to: SpliceSide): void {
    for (const lane of this.#lanes) {
      if (lane.to !== to || !lane.full) continue
      lane.full = false
      this.#resume(lane)
    }
  }

  /** Since when the slower side has taken nothing at all; `Infinity` while all flows. */
  get stalledSince(): number {
    const full = this.#lanes.filter((lane) => lane.full)
    return Math.min(...full.map(({ fullSince }) => fullSince), Infinity)
  }

  /** One side is gone: the other is told, after all that came before, unless its turn had not come at all: else who connects anew would owe nothing. */
  end(gone: SpliceSide): void {
    if (this.#ended) return
    this.#ended = true
    const rest = gone === this.opener ? this.target : this.opener
    for (const lane of this.#lanes) {
      clearTimeout(lane.timer)
      while (lane.to === rest && lane.begun && lane.waiting.bytes > 0) {
        const turn = turnOf(lane)
        if ((lane.from.lease?.spend(lengthOf(turn)) ?? null) !== null) rest.wire.write(...turn)
      }
    }
    rest.wire.resume()
    rest.leave()
  }

  #throttle(lane: Lane, wait: number): void {
    lane.from.wire.pause()
    lane.timer = setTimeout(() => {
      lane.timer = null
      this.#resume(lane)
    }, wait)
  }

  #resume(lane: Lane): void {
    this.#pump(lane)
    const isFree = !lane.full && lane.timer === null && lane.waiting.bytes === 0
    if (!this.#ended && isFree) lane.from.wire.resume()
  }
}

function lane(from: SpliceSide, to: SpliceSide): Lane {
  return { from, to, waiting: new HeldFrames(), begun: false, full: false, timer: null, fullSince: 0 }
}

/** Takes what is passed on in one go. */
function turnOf({ from, waiting }: Lane): Uint8Array[] {
  return waiting.take(Math.max(LEAST_TURN_BYTES, (from.lease?.bytesPerSecond ?? 0) * TURN_SECONDS))
}
