/** Bytes. */
export interface PaceLimits {
  /** Under way on a path that nothing is known of yet. */
  readonly startBytes: number
  /** Under way at least, however slow the path is. */
  readonly leastBytes: number
  /** Of one segment at least. */
  readonly leastSegmentBytes: number
}

/** What TCP begins with (RFC 6928, 2), rounded up, and segments of which a path of 2 kB/s carries one in a second. */
export const PACE_LIMITS: PaceLimits = { startBytes: 16_384, leastBytes: 8_192, leastSegmentBytes: 2_048 }

/** An answer that takes so much longer than the quickest one has waited behind what was sent before it. Milliseconds. */
const QUEUED_MS = 250
/** What may be under way is this many segments. */
const SEGMENTS = 8
/** No more marks than what is under way has parts. */
const MARKS = 16

/** Something that was sent: where it ends, when it was sent, and what was acknowledged by then. */
interface Mark {
  readonly end: number
  readonly at: number
  readonly acknowledged: number
}

/**
 * How much is put on a path at once, so that it is answered soon, and what is urgent does not wait: little at first, and as much more as is
 * acknowledged (slow start: RFC 5681, 3.1), until answers take longer than the quickest one by a quarter of a second (a delay as the only sign of congestion, as
 * LEDBAT has it: RFC 6817); then what is carried in that time. What TCP and a relay would take in one go, a slow link needs minutes for.
 *
 * Pure: times are given, in milliseconds.
 */
export class Pace {
  readonly #limits: PaceLimits
  readonly #windowBytes: number
  /** In order. */
  #marks: Mark[] = []
  #mostBytes = 0
  #quickestMs = Infinity
  /** What was sent before it was made less says nothing about what it is now. */
  #heldUntil = 0
  #end = 0

  /** @param windowBytes - never more than this */
  constructor(windowBytes: number, limits: PaceLimits = PACE_LIMITS) {
    this.#windowBytes = windowBytes
    this.#limits = limits
    this.restart()
  }

  /** Bytes that may be under way. */
  get mostBytes(): number {
    return this.#mostBytes
  }

  /** Bytes of a segment: so few that some are under way. */
  get segmentBytes(): number {
    return Math.max(this.#limits.leastSegmentBytes, Math.floor(this.#mostBytes / SEGMENTS))
  }

  /** Nothing is known of the path. */
  restart(): void {
    this.#marks = []
    this.#mostBytes = Math.min(this.#limits.startBytes, this.#windowBytes)
    this.#quickestMs = Infinity
    this.#heldUntil = 0
  }

  /**
   * @param end - one after the last byte that was sent now
   * @param acknowledged - one after the last that was acknowledged by now
   */
  sent(end: number, acknowledged: number, now: number): void {
    this.#end = end
    const last = this.#marks.at(-1)
    if (last === undefined || end - last.end >= this.#mostBytes / MARKS)
      this.#marks.push({ end, at: now, acknowledged })
  }

  /**
   * @param from - what had been acknowledged before
   * @param to - and now
   */
  acknowledged(from: number, to: number, now: number): void {
    const count = this.#marks.findLastIndex(({ end }) => end <= to) + 1
    const last = this.#marks[count - 1]
    if (last === undefined) return
    this.#marks.splice(0, count)
    const tookMs = now - last.at
    this.#quickestMs = Math.min(this.#quickestMs, tookMs)
    const soonMs = this.#quickestMs + QUEUED_MS
    if (tookMs <= soonMs) {
      // Who had less to send has not shown that more is carried (RFC 7661).
      if (this.#end - from >= this.#mostBytes / 2)
        this.#mostBytes = Math.min(this.#windowBytes, this.#mostBytes + to - from)
    } else if (last.end > this.#heldUntil && this.#mostBytes <= this.#limits.leastBytes) {
      // It has waited behind nothing of this side's: the path is farther away than it was.
      this.#quickestMs = tookMs
    } else if (to > this.#heldUntil) {
      const carriedBytes = ((to - last.acknowledged) * soonMs) / tookMs
      this.#mostBytes = Math.max(this.#limits.leastBytes, Math.min(this.#mostBytes, carriedBytes))
      this.#heldUntil = this.#end
    }
  }
}
