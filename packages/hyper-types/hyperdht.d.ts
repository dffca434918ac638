// hyperdht 6.34.0 (on dht-rpc 6)
declare module 'hyperdht' {
  import type { KeyPair } from 'hypercore-crypto'
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
  import type { DuplexStream } from '@hyperswarm/secret-stream'

  export interface DhtAddress {
    host: string
    port: number
  }

  export interface DhtOptions {
    host?: string
    port?: number
    bootstrap?: readonly (DhtAddress | string)[]
    nodes?: readonly DhtAddress[]
    /** Dials, and answers relays. A swarm's `keyPair` is another thing. */
    keyPair?: KeyPair
    seed?: Uint8Array
    ephemeral?: boolean
    /** False: `port`, or none. */
    anyPort?: boolean
    firewalled?: boolean
    /** Milliseconds between keep-alives of connections; false for none. */
    connectionKeepAlive?: number | false
  }

  export interface ConnectOptions {
    keyPair?: KeyPair
    relayThrough?: Uint8Array | null
  }

  /** A UDP socket of udx-native. */
  export interface UdxSocket {
    readonly bound: boolean
  }

  export interface RawStreamOptions {
    framed?: boolean
    /** Asked about each packet until the stream is connected. True drops it. */
    firewall?: (socket: UdxSocket, port: number, host: string) => boolean
  }

  /** A UDXStream of udx-native. */
  export interface RawStream extends DuplexStream {
    readonly id: number
    readonly connected: boolean
    readonly socket: UdxSocket | null
    readonly remoteHost: string | null
    readonly remotePort: number
    readonly bytesReceived: number
    readonly bytesTransmitted: number
    connect(socket: UdxSocket, remoteId: number, port: number, host: string): void
    relayTo(destination: RawStream): void
    trySend(message: Uint8Array): void
  }

  /** What a dialling peer says of itself. */
  export interface HandshakeOptions {
    /** Without it the server answers with an error, and keeps nothing. */
    udx: unknown
  }

  export interface ServerOptions {
    /** True refuses the peer without an answer. */
    firewall?: (remotePublicKey: Uint8Array, payload: HandshakeOptions, address: DhtAddress | null) => boolean
    shareLocalAddress?: boolean
    relayThrough?: Uint8Array | null
  }

  export interface DhtServer {
    readonly listening: boolean
    readonly publicKey: Uint8Array | null
    listen(keyPair?: KeyPair): Promise<this>
    /** Announces itself anew. */
    refresh(): void
    close(): Promise<void>
    address(): { publicKey: Uint8Array; host: string; port: number } | null
    on(event: 'connection', fn: (stream: NoiseSecretStream) => void): this
    on(event: 'close' | 'listening', fn: () => void): this
  }

  export default class HyperDHT {
    constructor(options?: DhtOptions)

    static keyPair(seed?: Uint8Array): KeyPair
    static hash(data: Uint8Array): Uint8Array
    /** The first node of a DHT. `host` is what others reach it by; where it listens is an option. */
    static bootstrapper(port: number, host: string, options?: DhtOptions): HyperDHT

    readonly defaultKeyPair: KeyPair
    readonly destroyed: boolean
    readonly bootstrapped: boolean
    readonly online: boolean
    readonly host: string | null
    readonly port: number

    /** Private upstream: of dht-rpc. */
    readonly io: { readonly networkInterfaces: { destroy(): Promise<void> } }

    ready(): Promise<void>
    /** Takes its ports. */
    bind(): Promise<void>
    fullyBootstrapped(): Promise<void>
    address(): DhtAddress
    connect(publicKey: Uint8Array | string, options?: ConnectOptions): NoiseSecretStream
    createRawStream(options?: RawStreamOptions): RawStream
    findPeer(publicKey: Uint8Array): AsyncIterable<{ peer: { publicKey: Uint8Array } }> & { destroy(): void }
    createServer(options?: ServerOptions, onconnection?: (stream: NoiseSecretStream) => void): DhtServer
    /** Up to 1,000 bytes. Resolves when the query is over, whoever has kept it. */
    mutablePut(keyPair: KeyPair, value: Uint8Array, options?: { seq?: number }): Promise<{ seq: number }>
    mutableGet(
      publicKey: Uint8Array,
      options?: { seq?: number; latest?: boolean }
    ): Promise<{ seq: number; value: Uint8Array } | null>
    /** `force` skips the goodbyes. */
    destroy(options?: { force?: boolean }): Promise<void>
    suspend(): Promise<void>
    resume(): Promise<void>
    on(event: string, fn: (...args: never[]) => void): this
    once(event: string, fn: (...args: never[]) => void): this
    off(event: string, fn: (...args: never[]) => void): this
  }
}

declare module 'hyperdht/testnet.js' {
  import type HyperDHT from 'hyperdht'
  import type { DhtAddress, DhtOptions } from 'hyperdht'

  export interface TestnetOptions {
    host?: string
    port?: number
    bootstrap?: readonly DhtAddress[]
  }

  export interface Testnet extends Iterable<HyperDHT> {
    readonly nodes: HyperDHT[]
    readonly bootstrap: DhtAddress[]
    /** The testnet destroys the node with itself. */
    createNode(options?: DhtOptions): HyperDHT
    destroy(): Promise<void>
  }

  export default function createTestnet(size?: number, options?: TestnetOptions): Promise<Testnet>
}
