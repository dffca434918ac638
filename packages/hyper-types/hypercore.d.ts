// hypercore 11.37.1
declare module 'hypercore' {
  import type { KeyPair } from 'hypercore-crypto'
  import type { Codec, CodecName, CompactEncoding } from 'codecs'
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
  import type { DuplexStream } from '@hyperswarm/secret-stream'

  export type { DuplexStream } from '@hyperswarm/secret-stream'

  export interface Signer {
    signature?: 'ed25519'
    namespace?: Uint8Array
    publicKey: Uint8Array
  }

  export interface Manifest {
    version?: number
    hash?: 'blake2b'
    allowPatch?: boolean
    quorum?: number
    signers: Signer[]
    prologue?: { hash: Uint8Array; length: number } | null
    linked?: Uint8Array[] | null
    userData?: Uint8Array | null
  }

  /** `block`: the key encrypts blocks as it is, instead of being mixed with the core's key. */
  export interface EncryptionOptions {
    key: Uint8Array
    block?: boolean
  }

  /** Encrypts and decrypts blocks in place; the first `padding` bytes are its own. */
  export interface EncryptionProvider {
    padding(core: unknown, index: number): number
    encrypt(index: number, block: Uint8Array, fork: number, core: unknown): unknown
    decrypt(index: number, block: Uint8Array, core: unknown): unknown
  }

  export interface DefaultEncryption {
    readonly PADDING: number
    deriveKeys(
      encryptionKey: Uint8Array,
      coreKey: Uint8Array,
      options?: { block?: boolean; compat?: boolean }
    ): { block: Uint8Array; blinding: Uint8Array }
    encrypt(
      index: number,
      block: Uint8Array,
      fork: number,
      blockKey: Uint8Array,
      blindingKey: Uint8Array
    ): void
    decrypt(index: number, block: Uint8Array, blockKey: Uint8Array): void
  }

  export type ValueEncoding = CodecName | Codec<never, unknown> | CompactEncoding<never, unknown>

  export interface SessionOptions {
    valueEncoding?: ValueEncoding
    encryption?: Uint8Array | EncryptionOptions | EncryptionProvider | null
    wait?: boolean
    /** Milliseconds; 0 is no limit. */
    timeout?: number
    writable?: boolean
    snapshot?: boolean
    /** Does not keep the core open, or its replication active. */
    weak?: boolean
    active?: boolean
    exclusive?: boolean
    onwait?: ((index: number, session: Hypercore) => void) | null
  }

  export interface HypercoreOptions extends SessionOptions {
    key?: Uint8Array | string | null
    keyPair?: KeyPair | null
    manifest?: Manifest | null
    createIfMissing?: boolean
    overwrite?: boolean
    /** False: a peer cannot make a reader follow a fork. */
    allowFork?: boolean
    allowPush?: boolean
    pushOnly?: boolean
    inflightRange?: [min: number, max: number]
    userData?: Record<string, Uint8Array>
  }

  export interface GetOptions {
    /** False: `null` at once when the block is not local. */
    wait?: boolean
    /** Milliseconds; fails with code `REQUEST_TIMEOUT`. */
    timeout?: number
    valueEncoding?: ValueEncoding
    decrypt?: boolean
    raw?: boolean
    onwait?: (index: number, session: Hypercore) => void
    activeRequests?: unknown[]
  }

  export interface AppendOptions {
    keyPair?: KeyPair
    signature?: Uint8Array
    writable?: boolean
    /** Appends nothing when the core would become longer. */
    maxLength?: number
    /** Undocumented: called once the blocks are stored. */
    postappend?: () => unknown
  }

  export interface DownloadOptions {
    start?: number
    /** Exclusive; -1 follows the core as it grows. */
    end?: number
    blocks?: readonly number[]
    linear?: boolean
    activeRequests?: unknown[]
  }

  export interface ReplicateOptions {
    keyPair?: KeyPair
    keepAlive?: boolean
    ondiscoverykey?: (discoveryKey: Uint8Array) => unknown
  }

  export interface TreeProof {
    fork: number
    block?: unknown
    hash?: unknown
    seek?: unknown
    upgrade?: unknown
    manifest?: unknown
  }

  export interface ProofOptions {
    block?: { index: number; nodes: number }
    hash?: { index: number; nodes: number }
    seek?: { bytes: number; padding?: number }
    upgrade?: { start: number; length: number }
  }

  /** A stream made by `replicate(true | false)`: pipe it to a transport, or to its opposite. */
  export interface ReplicationStream extends DuplexStream {
    readonly noiseStream: NoiseSecretStream
  }

  export interface Download {
    ready(): Promise<void>
    /** Never resolves for a range that follows the core. */
    done(): Promise<unknown>
    destroy(): void
  }

  export interface Peer {
    readonly remotePublicKey: Uint8Array
    readonly remoteContiguousLength: number
    readonly remoteLength: number
    readonly remoteFork: number
    readonly remoteOpened: boolean
    readonly stream: NoiseSecretStream
  }

  export interface CoreInfo {
    readonly key: Uint8Array
    readonly discoveryKey: Uint8Array
    readonly length: number
    readonly contiguousLength: number
    readonly byteLength: number
    readonly fork: number
    readonly padding: number
  }

  export interface HypercoreEvents {
    ready: []
    close: []
    append: []
    truncate: [length: number, fork: number]
    conflict: [length: number, fork: number, proof: TreeProof]
    manifest: []
    'peer-add': [peer: Peer]
    'peer-remove': [peer: Peer]
    download: [index: number, byteLength: number, from: Peer]
    upload: [index: number, byteLength: number, from: Peer]
    'remote-contiguous-length': [length: number]
    'verification-error': [error: Error, request: unknown, response: unknown, from: Peer]
  }

  export default class Hypercore {
    constructor(storage: string | object, options?: HypercoreOptions)
    constructor(storage: string | object, key: Uint8Array | string | null, options?: HypercoreOptions)

    static key(
      manifest: Manifest | Uint8Array,
      options?: { compat?: boolean; version?: number; namespace?: Uint8Array }
    ): Uint8Array
    static discoveryKey(key: Uint8Array): Uint8Array
    static readonly DefaultEncryption: DefaultEncryption
    static blockEncryptionKey(key: Uint8Array, encryptionKey: Uint8Array): Uint8Array
    static parseManifest(manifest: Uint8Array | Manifest, key?: Uint8Array): Manifest | null
    static createProtocolStream(isInitiator: boolean, options?: ReplicateOptions): ReplicationStream
    /** Bytes: a longer block cannot be appended. */
    static readonly MAX_SUGGESTED_BLOCK_SIZE: number

    readonly opened: boolean
    readonly closed: boolean
    readonly closing: Promise<void> | null
    readonly readable: boolean
    readonly writable: boolean
    readonly snapshotted: boolean

    /** Null before `ready()`, unless the core was opened by key. */
    readonly id: string | null
    readonly key: Uint8Array | null
    readonly discoveryKey: Uint8Array | null
    readonly manifest: Manifest | null
    keyPair: KeyPair | null

    /** 0 before `ready()`, as all counts here. */
    readonly length: number
    /** Blocks up to here cannot be undone without a fork. */
    readonly signedLength: number
    readonly byteLength: number
    /** Blocks held locally without a gap from 0. */
    readonly contiguousLength: number
    readonly remoteContiguousLength: number
    readonly fork: number
    /** Bytes that encryption adds to each block. */
    readonly padding: number
    readonly peers: readonly Peer[]
    /** The engine under the session. Private upstream: use it in one adapter file per package. */
    readonly core: unknown

    ready(): Promise<void>
    close(options?: { error?: Error }): Promise<void>
    session(options?: SessionOptions): Hypercore
    snapshot(options?: SessionOptions): Hypercore

    append(blocks: unknown, options?: AppendOptions): Promise<{ length: number; byteLength: number }>
    /** `null` when it is not local and `wait` is false. */
    get(index: number, options?: GetOptions & { valueEncoding?: never }): Promise<Uint8Array | null>
    get(index: number, options: GetOptions): Promise<unknown>
    has(start: number, end?: number): Promise<boolean>
    update(options?: { wait?: boolean; force?: boolean; activeRequests?: unknown[] }): Promise<boolean>
    seek(bytes: number, options?: GetOptions): Promise<[index: number, offset: number] | null>
    /** Deletes leaf nodes as well as blocks. */
    clear(start: number, end?: number, options?: { diff?: boolean }): Promise<{ blocks: number } | null>
    truncate(length: number, options?: number | { fork?: number; keyPair?: KeyPair }): Promise<void>
    purge(): Promise<void>
    compact(): Promise<unknown>
    download(range?: DownloadOptions): Download
    createReadStream(options?: {
      start?: number
      end?: number
      live?: boolean
      snapshot?: boolean
      wait?: boolean
      timeout?: number
    }): AsyncIterable<Uint8Array>
    info(): Promise<CoreInfo>

    treeHash(length?: number): Promise<Uint8Array>
    signable(length?: number, fork?: number): Promise<Uint8Array>
    proof(options: ProofOptions): Promise<TreeProof>
    missingNodes(index: number): Promise<number>
    /** False, not an error, when the proof is of another fork. */
    applyProof(proof: TreeProof, from?: Peer | null): Promise<boolean>

    setUserData(key: string, value: Uint8Array): Promise<void>
    getUserData(key: string): Promise<Uint8Array | null>
    setEncryptionKey(key: Uint8Array, options?: { block?: boolean }): Promise<void>
    setKeyPair(keyPair: KeyPair): void
    setActive(active: boolean): void

    replicate(isInitiator: boolean | ReplicationStream, options?: ReplicateOptions): ReplicationStream
    replicate(stream: NoiseSecretStream, options?: ReplicateOptions): NoiseSecretStream
    /** Call the result when you have done looking; `update()` waits for peers until then. */
    findingPeers(): () => void

    on<E extends keyof HypercoreEvents>(event: E, fn: (...args: HypercoreEvents[E]) => void): this
    once<E extends keyof HypercoreEvents>(event: E, fn: (...args: HypercoreEvents[E]) => void): this
    off<E extends keyof HypercoreEvents>(event: E, fn: (...args: HypercoreEvents[E]) => void): this
  }
}

/** Private upstream. */
declare module 'hypercore/lib/merkle-tree.js' {
  import type { TreeNode } from 'hypercore-crypto'
  import type { TreeProof } from 'hypercore'

  export interface Tree {
    /** A batch of what the proof says, for its signature to be checked. Throws when the proof does not add up. */
    verifyFullyRemote(state: object, proof: TreeProof): { length: number }
    getRoots(state: object, length: number): Promise<TreeNode[]>
    /** What a request asks for, as nodes of the tree; `settle` waits for those that are still read. */
    proof(state: object, reader: object, request: object): Promise<{ settle(): Promise<TreeProof> }>
  }

  /** A tree that is being put together, as far as a signature of it is checked. */
  export interface TreeBatch {
    fork: number
    length: number
    /** Those that were made since; to be taken away by who stores them. */
    nodes: TreeNode[]
    append(block: Uint8Array): void
    signable(manifestHash: Uint8Array): Uint8Array
    hash(): Uint8Array
  }

  const merkle: { MerkleTree: Tree; MerkleTreeBatch: new (session: object) => TreeBatch }
  export default merkle
}

/** Private upstream. */
declare module 'hypercore/lib/bit-interlude.js' {
  /** Bits that are to change in a bitfield, and in its stored pages. */
  export default class BitInterlude {
    setRange(start: number, end: number, value: boolean): void
    /** Puts the pages into the batch, and says what is to change in memory. */
    flush(tx: object, bitfield: object): { start: number; end: number; value: boolean }[]
  }
}

/** Private upstream. */
declare module 'hypercore/lib/multisig.js' {
  export interface Multisig {
    /** A core's signature, as those that its signers made. */
    inflate(signature: Uint8Array): { proofs: { signer: number; signature: Uint8Array }[] }
  }

  const multisig: Multisig
  export default multisig
}

/** Private upstream. */
declare module 'hypercore/lib/verifier.js' {
  import type { Manifest } from 'hypercore'
  import type { TreeBatch } from 'hypercore/lib/merkle-tree.js'

  export default class Verifier {
    constructor(manifestHash: Uint8Array, manifest: Manifest)
    /** With all that is left out. @throws plain Error for what is none */
    static createManifest(manifest: Manifest): Manifest
    static isValidManifest(key: Uint8Array, manifest: Manifest): boolean
    verify(batch: TreeBatch, signature: Uint8Array): boolean
    /** @throws plain Error for a key pair that is none of the manifest's */
    sign(batch: TreeBatch, keyPair: { publicKey: Uint8Array; secretKey: Uint8Array }): Uint8Array
  }
}

/** Encodings of what Hypercore stores and sends. */
declare module 'hypercore/messages.js' {
  import type { Manifest } from 'hypercore'
  import type { CompactEncoding } from 'codecs'

  const messages: {
    manifest: CompactEncoding<Manifest>
    /** Of the protocol `hypercore/alpha`. */
    wire: Record<
      | 'handshake'
      | 'sync'
      | 'request'
      | 'cancel'
      | 'data'
      | 'noData'
      | 'want'
      | 'unwant'
      | 'bitfield'
      | 'range'
      | 'extension',
      CompactEncoding<object, object>
    >
  }
  export default messages
}

/** Private upstream. */
declare module 'hypercore/lib/caps.js' {
  const caps: {
    /** Proves to a peer that the key is known, on this stream only. */
    replicate(isInitiator: boolean, key: Uint8Array, handshakeHash: Uint8Array): Uint8Array
  }
  export default caps
}
