import type { PathInfo } from './paths/path.ts'

/** An Ed25519 key pair, as hypercore-crypto and hyperdht make them: 32 and 64 bytes. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** `on`, `once` or `off` of what emits these events. */
export type Listen<Events extends Record<keyof Events, unknown[]>, This> = <E extends keyof Events>(
  event: E,
  fn: (...args: Events[E]) => void
) => This

/** What a {@link Connection} emits besides a stream's own. */
export interface ConnectionEvents {
  data: [data: Uint8Array]
  error: [error: Error]
  /** Its bytes go another way; `null` while there is none. */
  path: [path: PathInfo | null]
  open: []
  connect: []
  drain: []
  end: []
  finish: []
  close: []
}

/**
 * A connection to a device: an ordinary secret-stream (`@hyperswarm/secret-stream`), encrypted from end to end, that also says which way it
 * goes. Corestore, Protomux and Hyperswarm take it as any other.
 *
 * It is there at once and opens later, as hyperdht's.
 */
export interface Connection {
  /** Which way its bytes go now; `null` before it has opened, and while no way is left. */
  readonly path: PathInfo | null
  /** False when the device could not be reached: `'error'` has said why. */
  readonly opened: Promise<boolean>
  readonly isInitiator: boolean
  readonly publicKey: Uint8Array | null
  /** Proven, once it is open. */
  readonly remotePublicKey: Uint8Array | null
  readonly handshakeHash: Uint8Array | null
  readonly connected: boolean
  readonly destroying: boolean
  readonly destroyed: boolean
  userData: unknown
  /** @returns false when it is enough for now: `'drain'` follows */
  write(data: Uint8Array): boolean
  end(): void
  destroy(error?: Error | null): void
  pause(): this
  resume(): this
  /** True once the other device has taken all that was written by now, which it does as its app reads; false where the connection has ended before. */
  flush(): Promise<boolean>
  setKeepAlive(ms: number): void
  /** Asks whether the other device is there: a way that is dead is noticed within 2 s, also after hours of rest. */
  sendKeepAlive(): void
  on<E extends keyof ConnectionEvents>(event: E, fn: (...args: ConnectionEvents[E]) => void): this
  once<E extends keyof ConnectionEvents>(event: E, fn: (...args: ConnectionEvents[E]) => void): this
  off<E extends keyof ConnectionEvents>(event: E, fn: (...args: ConnectionEvents[E]) => void): this
}
