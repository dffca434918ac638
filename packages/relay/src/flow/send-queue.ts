import { MAX_SEGMENT_BYTES } from './flow-frames.ts'

/** A run of bytes that was written, kept until the other side has taken it. */
export interface Segment {
  readonly offset: number
  readonly bytes: Uint8Array
  /** Its length; 1 for the end of the stream, which has no bytes but a place. */
  readonly size: number
}

/**
 * What was written, from the first byte the other side has not taken: what was sent, then what was not.
 *
 * It can go back to any byte it still holds.
 */
export class SendQueue {
  #segments: Segment[] = []
  /** Index of the next to be sent. */
  #next = 0
  #base = 0
  #end = 0
  #everSent = 0
  #finished = false

  /** First byte that is still held: all before it was taken. */
  get base(): number {
    return this.#base
  }

  /** One after the last that was written, the end of the stream included. */
  get end(): number {
    return this.#end
  }

  /** One after the last that was sent. */
  get sent(): number {
    const next = this.#segments[this.#next]
    return next === undefined ? this.#end : next.offset
  }

  /** Bytes that are held. */
  get held(): number {
    return this.#end - this.#base
  }

  get finished(): boolean {
    return this.#finished
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_SEGMENT_BYTES) {
      const part = bytes.subarray(at, at + MAX_SEGMENT_BYTES)
      this.#segments.push({ offset: this.#end, bytes: part, size: part.length })
      this.#end += part.length
    }
  }

  /** Nothing follows. */
  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.#segments.push({ offset: this.#end, bytes: new Uint8Array(0), size: 1 })
    this.#end++
  }

  /**
   * The next to be sent, if there is room for it; it counts as sent then.
   *
   * @param limit - where it ends at the latest
   * @param mostBytes - a longer one is cut there
   */
  take(limit: number, mostBytes: number): Segment | null {
    const segment = this.#segments[this.#next]
    if (segment === undefined || segment.offset + Math.min(segment.size, mostBytes) > limit) return null
    const first = segment.size > mostBytes ? this.#cut(segment, mostBytes) : segment
    this.#next++
    this.#everSent = Math.max(this.#everSent, first.offset + first.size)
    return first
  }

  #cut({ offset, bytes }: Segment, at: number): Segment {
    const [first, rest] = [bytes.subarray(0, at), bytes.subarray(at)]
    const parts = [
      { offset, bytes: first, size: first.length },
      { offset: offset + at, bytes: rest, size: rest.length }
    ] as const
    this.#segments.splice(this.#next, 1, ...parts)
    return parts[0]
  }

  /** The other side has taken all before `offset`. @returns false for what was never sent */
  release(offset: number): boolean {
    if (offset > this.#everSent) return false
    if (offset <= this.#base) return true
    this.#base = offset
    let gone = 0
    for (const { offset: start, size } of this.#segments) {
      if (start + size > offset) break
      gone++
    }
    this.#segments = this.#segments.slice(gone)
    this.#next = Math.max(0, this.#next - gone)
    return true
  }

  /** The segment with the byte at `offset` is the next to be sent. @returns false where it cannot be: taken already, or never sent */
  rewind(offset: number): boolean {
    if (offset < this.#base || offset > this.#everSent) return false
    const at = this.#segments.findIndex((segment) => segment.offset + segment.size > offset)
    this.#next = at === -1 ? this.#segments.length : at
    return true
  }
}
