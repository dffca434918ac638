import type { Lease } from '../policy/lease.ts'
import { type Refusal, refusal } from '../protocol/refusal.ts'
import type { Wire } from '../wires/wire.ts'

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
  full: boolean
  /** Of the server's clock: it may go faster again then; 0 where the rate does not hold it up. */
  throttledUntil: number
  fullSince: number
}

/** What a splice needs to know and to tell. */
export interface SpliceOptions {
  now: () => number
  /** Called with every run of bytes that is passed on. */
  onbytes: (bytes: number) => void
}

/**
 * Two connections joined: what one sends goes to the other as it is.
 *
 * It holds nothing itself. When the receiver is slower, the sender is not read until the receiver's socket has drained, so that a stalled
 * one costs what its socket holds and one chunk. The bytes of both directions are spent by who opened it.
 */
export class Splice {
  readonly opener: SpliceSide
  readonly target: SpliceSide
  readonly #lanes: readonly [Lane, Lane]
  readonly #options: SpliceOptions
  #timer: unknown = null
  #ended = false

  constructor(opener: SpliceSide, target: SpliceSide, options: SpliceOptions) {
    this.opener = opener
    this.target = target
    this.#options = options
    this.#lanes = [lane(opener, target), lane(target, opener)]
  }

  /** Passes whole DATA frames on. */
  forward(from: SpliceSide, frames: Uint8Array): void {
    if (this.#ended) return
    const [lane] = this.#lanes.filter((lane) => lane.from === from)
    const wait = this.opener.lease?.spend(frames.length) ?? null
    if (lane === undefined) return
    if (wait === null) return this.#refuseBoth()
    this.#options.onbytes(frames.length)
    if (!lane.to.wire.write(frames) && !lane.full) {
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

  /** One side is gone: the other is told, after all that came before. */
  end(gone: SpliceSide): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const rest = gone === this.opener ? this.target : this.opener
    rest.wire.resume()
    rest.leave()
  }

  #refuseBoth(): void {
    const why = refusal('RELAY_QUOTA')
    const sides = [this.opener, this.target]
    this.#ended = true
    for (const side of sides) side.refuse(why)
  }

  #throttle(lane: Lane, wait: number): void {
    lane.throttledUntil = this.#options.now() + wait
    lane.from.wire.pause()
    this.#timer ??= setTimeout(() => this.#onthrottled(), wait)
  }

  #onthrottled(): void {
    this.#timer = null
    if (this.#ended) return
    const now = this.#options.now()
    const later = this.#lanes.map((lane) => lane.throttledUntil).filter((until) => until > now)
    for (const lane of this.#lanes) {
      if (lane.throttledUntil === 0 || lane.throttledUntil > now) continue
      lane.throttledUntil = 0
      this.#resume(lane)
    }
    if (later.length > 0) this.#timer = setTimeout(() => this.#onthrottled(), Math.min(...later) - now)
  }

  #resume(lane: Lane): void {
    if (!this.#ended && !lane.full && lane.throttledUntil === 0) lane.from.wire.resume()
  }
}

function lane(from: SpliceSide, to: SpliceSide): Lane {
  return { from, to, full: false, throttledUntil: 0, fullSince: 0 }
}
