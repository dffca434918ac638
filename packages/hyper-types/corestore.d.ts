// corestore 7.12.5
declare module 'corestore' {
  import type Hypercore from 'hypercore'
  import type { HypercoreOptions, Manifest, ReplicateOptions, ReplicationStream } from 'hypercore'
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
  import type { KeyPair } from 'hypercore-crypto'

  export interface CorestoreOptions {
    primaryKey?: Uint8Array
    /** Must be true to pass a `primaryKey`. */
    unsafe?: boolean
    namespace?: Uint8Array
    manifestVersion?: number
    readOnly?: boolean
    writable?: boolean
    active?: boolean
    suspend?: boolean
    /** Opens a directory that was copied from elsewhere. */
    allowBackup?: boolean
    /** Waits for the lock of another process instead of failing. */
    wait?: boolean
  }

  /** Which core, by one of `name`, `key`, `discoveryKey`, `keyPair` or `manifest`, and how to open it. */
  export interface GetCoreOptions extends HypercoreOptions {
    name?: string | Uint8Array
    key?: Uint8Array | string | null
    discoveryKey?: Uint8Array | string
    /** The core's key is the hash of a one-signer manifest, not this public key. */
    keyPair?: KeyPair | null
    manifest?: Manifest | null
    notDownloadingLinger?: number
  }

  /** Where the store lives. */
  export interface StoreStorage {
    readonly path: string
  }

  export default class Corestore {
    constructor(storage: string | object, options?: CorestoreOptions)

    readonly opened: boolean
    readonly closed: boolean
    readonly closing: Promise<void> | null
    readonly readOnly: boolean
    /** 32 secret bytes; `null` before `ready()` unless it was passed. */
    readonly primaryKey: Uint8Array | null
    /** The namespace of this session, 32 bytes. */
    readonly ns: Uint8Array
    readonly storage: StoreStorage
    readonly root: Corestore | null

    ready(): Promise<void>
    /** Closes every session and core; replication streams stay open. */
    close(): Promise<void>
    /** @throws plain Error after close */
    get(options: GetCoreOptions | Uint8Array | string): Hypercore
    session(options?: CorestoreOptions): Corestore
    namespace(name: string | Uint8Array, options?: CorestoreOptions): Corestore
    createKeyPair(name: string | Uint8Array, namespace?: Uint8Array): Promise<KeyPair>
    replicate(isInitiator: boolean | ReplicationStream, options?: ReplicateOptions): ReplicationStream
    replicate(stream: NoiseSecretStream, options?: ReplicateOptions): NoiseSecretStream
    /** Discovery keys of what is stored, all or in one namespace. */
    list(namespace?: Uint8Array): AsyncIterable<Uint8Array>
    findingPeers(): () => void
    suspend(): Promise<void>
    resume(): Promise<void>
    on(event: 'ready' | 'close', fn: () => void): this
    once(event: 'ready' | 'close', fn: () => void): this
    off(event: 'ready' | 'close', fn: () => void): this
  }
}
