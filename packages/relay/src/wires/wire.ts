/** Who has so much left to read gets no answers to pings, and nothing that was not asked for. */
export const MOST_UNREAD_BYTES: number = 64 * 1024

/** Where a {@link Wire} tells what happens. */
export interface WireEvents {
  readonly onbytes: (chunk: Uint8Array) => void
  /** What was written has left the process for the most part. */
  readonly ondrain: () => void
  /** Called once, for every way it can end. */
  readonly onclose: (error: Error | null) => void
}

/** How bytes come and go: TCP, or WebSocket messages, whose boundaries mean nothing. */
export interface Wire {
  readonly kind: 'tcp' | 'ws'
  /** Where the other end is, for limits and logs: an IP address, or empty where it cannot be known. */
  readonly remoteAddress: string
  /** Bytes that were written and are still here. */
  readonly backlogBytes: number
  /** Begins to read. Called once, before anything else. */
  start(events: WireEvents): void
  /** @returns false when it is enough for now: `ondrain` follows. The parts are kept, and go out together. */
  write(...parts: readonly Uint8Array[]): boolean
  /** Stops reading, where the platform can: a browser cannot. */
  pause(): void
  resume(): void
  /** Closes once all that was written is sent. */
  end(): void
  /** Closes now. */
  destroy(): void
}
