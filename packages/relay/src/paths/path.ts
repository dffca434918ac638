/** Which way bytes go. */
export type PathKind = 'udp' | 'tcp' | 'relay'

/** The way the bytes of a connection go at the moment. */
export interface PathInfo {
  readonly kind: PathKind
  /** Public key of the relay in between; `null` on a direct path. */
  readonly relay: Uint8Array | null
  /** What carries it from this device on. */
  readonly transport: 'tcp' | 'ws' | 'udp'
}

/** Where a {@link Path} tells what happens. */
export interface PathEvents {
  /** A message; the bytes are the receiver's. */
  readonly onmessage: (message: Uint8Array) => void
  readonly ondrain: () => void
  /** Called once, for every way it can end. */
  readonly onclose: (error: Error | null) => void
  /** The relay in between is going down: another path should be found. */
  readonly ondraining?: () => void
}

/** Carries messages to one device, in order, as long as it lives. */
export interface Path extends PathInfo {
  /** Who is at the other end, as far as can be known before a greeting: an IP address, or the key that the relay names in hex. */
  readonly origin?: string
  /** Begins to hand on what comes. */
  start(events: PathEvents): void
  /** One message in parts, 69,632 bytes at most. @returns false when it is enough for now: `ondrain` follows */
  send(parts: readonly Uint8Array[]): boolean
  /** Closes once all that was sent has left. */
  end(): void
  /** Closes now. */
  destroy(): void
}
