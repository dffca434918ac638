// hyperswarm 4.17.2
declare module 'hyperswarm' {
  import type HyperDHT from 'hyperdht'
  import type { DhtAddress } from 'hyperdht'
  import type { KeyPair } from 'hypercore-crypto'
  import type NoiseSecretStream from '@hyperswarm/secret-stream'

  export interface HyperswarmOptions {
    dht?: HyperDHT
    keyPair?: KeyPair
    seed?: Uint8Array
    bootstrap?: readonly DhtAddress[]
    maxPeers?: number
    maxClientConnections?: number
    maxServerConnections?: number
    maxParallel?: number
    /** True refuses the peer; asked for both directions, `payload` is null when dialling. */
    firewall?: (remotePublicKey: Uint8Array, payload: unknown) => boolean
    relayThrough?: Uint8Array | ((force: boolean, swarm: Hyperswarm) => Uint8Array | null)
    /** Milliseconds before each retry. */
    backoffs?: readonly number[]
    jitter?: number
  }

  export interface JoinOptions {
    server?: boolean
    client?: boolean
    limit?: number
  }

  export interface PeerDiscoverySession {
    readonly topic: Uint8Array
    readonly isClient: boolean
    readonly isServer: boolean
    readonly destroyed: boolean
    flushed(): Promise<unknown>
    refresh(options?: JoinOptions): Promise<void>
    destroy(): Promise<void>
  }

  export interface PeerInfo {
    readonly publicKey: Uint8Array
    readonly topics: readonly Uint8Array[]
    readonly prioritized: boolean
    readonly banned: boolean
    readonly client: boolean
    readonly attempts: number
    ban(banned?: boolean): void
  }

  export interface HyperswarmEvents {
    connection: [stream: NoiseSecretStream, peer: PeerInfo]
    update: []
    ban: [peer: PeerInfo, error: Error]
  }

  /** Owns its DHT node: `destroy()` destroys the one passed in as well. */
  export default class Hyperswarm {
    constructor(options?: HyperswarmOptions)

    readonly dht: HyperDHT
    readonly keyPair: KeyPair
    readonly connections: ReadonlySet<NoiseSecretStream>
    /** By hex public key. */
    readonly peers: ReadonlyMap<string, PeerInfo>
    readonly connecting: number
    readonly destroyed: boolean
    readonly suspended: boolean

    join(topic: Uint8Array, options?: JoinOptions): PeerDiscoverySession
    leave(topic: Uint8Array): Promise<void>
    joinPeer(publicKey: Uint8Array): void
    leavePeer(publicKey: Uint8Array): void
    status(topic: Uint8Array): unknown
    listen(): Promise<unknown>
    /** Says nothing about replication: only that known peers were dialled. */
    flush(): Promise<boolean>
    clear(): Promise<unknown>
    destroy(options?: { force?: boolean }): Promise<void>
    suspend(): Promise<void>
    resume(): Promise<void>
    on<E extends keyof HyperswarmEvents>(event: E, fn: (...args: HyperswarmEvents[E]) => void): this
    once<E extends keyof HyperswarmEvents>(event: E, fn: (...args: HyperswarmEvents[E]) => void): this
    off<E extends keyof HyperswarmEvents>(event: E, fn: (...args: HyperswarmEvents[E]) => void): this
  }
}
