// @hyperswarm/secret-stream 6.9.2
declare module '@hyperswarm/secret-stream' {
  import type { KeyPair } from 'hypercore-crypto'

  /** What every duplex stream of the stack has. */
  export interface DuplexStream {
    readonly destroyed: boolean
    readonly destroying: boolean
    write(data: Uint8Array): boolean
    end(): void
    destroy(error?: Error | null): void
    pipe<S>(to: S, done?: (error: Error | null) => void): S
    on(event: 'data', fn: (data: Uint8Array) => void): this
    on(event: 'error', fn: (error: Error) => void): this
    on(event: 'close' | 'end' | 'drain' | 'finish' | 'open', fn: () => void): this
    once(event: 'error', fn: (error: Error) => void): this
    once(event: 'close' | 'end' | 'drain' | 'finish' | 'open', fn: () => void): this
    off(event: string, fn: (...args: never[]) => void): this
    resume(): this
    pause(): this
  }

  export interface SecretStreamOptions {
    keyPair?: KeyPair
    pattern?: 'XX' | 'IK'
    /** Milliseconds; 0 turns it off. */
    keepAlive?: number
    autoStart?: boolean
    publicKey?: Uint8Array
    remotePublicKey?: Uint8Array
  }

  /** A Noise handshake that was done elsewhere, as hyperdht does it. */
  export interface FinishedHandshakeOptions {
    tx: Uint8Array
    rx: Uint8Array
    hash: Uint8Array
    publicKey: Uint8Array
    remotePublicKey: Uint8Array
  }

  export interface StartOptions {
    handshake?: FinishedHandshakeOptions
    keyPair?: KeyPair
    data?: Uint8Array
    ended?: boolean
  }

  export default class NoiseSecretStream {
    /** Pass `null` as the raw stream to pipe `rawStream` yourself. */
    constructor(isInitiator: boolean, rawStream?: DuplexStream | null, options?: SecretStreamOptions)
    readonly isInitiator: boolean
    readonly noiseStream: NoiseSecretStream
    readonly rawStream: DuplexStream | null
    readonly publicKey: Uint8Array | null
    /** `null` until the handshake. */
    readonly remotePublicKey: Uint8Array | null
    readonly handshakeHash: Uint8Array | null
    readonly connected: boolean
    /** False when the stream died before its handshake was done. */
    readonly opened: Promise<boolean>
    /** The Protomux, once there is one. */
    userData: unknown
    setKeepAlive(ms: number): void
    sendKeepAlive(): void
    setTimeout(ms: number): void
    /** Begins, with a raw stream, where `autoStart` was false. */
    start(rawStream: DuplexStream | null, options?: StartOptions): void
    flush(): Promise<boolean>
    static keyPair(seed?: Uint8Array): KeyPair
  }

  export default interface NoiseSecretStream extends DuplexStream {}
}
