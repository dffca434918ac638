// blind-relay 1.6.1
declare module 'blind-relay' {
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
  import type { RawStream, RawStreamOptions } from 'hyperdht'

  /** What a client sends to ask for its half of a pair. */
  export interface PairOptions {
    isInitiator: boolean
    /** 32 bytes. */
    token: Uint8Array
    /** Of the client's own raw stream. */
    id: number
  }

  export interface MessageHandler<M> {
    onmessage: (message: M) => unknown
  }

  export interface RelaySession {
    readonly closed: boolean
    destroy(error?: Error): void
    on(event: 'close' | 'open', fn: () => void): this
    on(event: 'error', fn: (error: Error) => void): this
    on(
      event: 'pair',
      fn: (isInitiator: boolean, token: Uint8Array, stream: RawStream, remoteId: number) => void
    ): this
    /** Private upstream. */
    readonly _pair: MessageHandler<PairOptions>
    readonly _unpair: MessageHandler<{ token: Uint8Array }>
  }

  export class Server {
    constructor(options: { createStream: (options: RawStreamOptions) => RawStream })
    accept(stream: NoiseSecretStream, options?: { id?: Uint8Array | null }): RelaySession
    close(): Promise<void>
  }

  export interface PairRequest {
    on(event: 'data', fn: (remoteId: number) => void): this
    on(event: 'error', fn: (error: Error) => void): this
    on(event: 'close', fn: () => void): this
    destroy(error?: Error): void
  }

  export class Client {
    static from(stream: NoiseSecretStream, options?: { id?: Uint8Array | null }): Client
    pair(isInitiator: boolean, token: Uint8Array, stream: RawStream): PairRequest
    unpair(token: Uint8Array): void
    destroy(error?: Error): void
  }

  /** 32 random bytes. */
  export function token(): Uint8Array
}
