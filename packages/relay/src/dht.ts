import type { DuplexStream, SecretStreamOptions } from '@hyperswarm/secret-stream'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from './types.ts'

/** A node of hyperdht 6, or whatever has the same methods. */
export interface DhtLike {
  /** Private upstream's factory lets this package see the raw stream and the handshake, where the node has one. */
  connect: (publicKey: Uint8Array, options?: DhtConnectOptions) => NoiseSecretStream
  createServer(options: object, onconnection: (stream: NoiseSecretStream) => void): DhtServerLike
  /** Of an event emitter: hyperdht's says when this machine's addresses have changed. */
  on?(event: 'network-change', fn: () => void): unknown
  off?(event: 'network-change', fn: () => void): unknown
  /** Leaves a value of up to 1,000 bytes with the nodes that are nearest to the key. */
  mutablePut?(keyPair: KeyPair, value: Uint8Array, options: { readonly seq: number }): Promise<unknown>
  mutableGet?(
    publicKey: Uint8Array,
    options: { readonly latest: boolean }
  ): Promise<{ readonly seq: number; readonly value: Uint8Array } | null>
}

/** What `connect` is given. */
export interface DhtConnectOptions {
  keyPair?: KeyPair
  createSecretStream?: (
    isInitiator: boolean,
    raw: DuplexStream | null,
    options: SecretStreamOptions
  ) => NoiseSecretStream
}

export interface DhtServerLike {
  listen(keyPair: KeyPair): Promise<unknown>
  close(): Promise<void>
}
