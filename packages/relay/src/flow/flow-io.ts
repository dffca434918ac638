/** What a flow does to the world. */
export interface FlowIo {
  /** Milliseconds of a clock that never steps back. */
  now(): number
  /**
   * Sends a frame.
   *
   * @param head - all of it; of a segment its header
   * @param bytes - those of the segment
   * @returns false when the path is full: `drained` follows
   */
  transmit(path: number, head: Uint8Array, bytes?: Uint8Array): boolean
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

/** Bytes that may be sent beyond what was taken. */
export interface FlowWindows {
  /** What this side holds at most in each direction: of what it wrote, and of what it has not read. */
  readonly own: number
  /** What the other side holds at most. */
  readonly theirs: number
}
