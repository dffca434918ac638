/** An Ed25519 key pair: 32 and 64 bytes, as hypercore-crypto makes them. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** So many of these keys, all different, have to sign. */
export interface KeySet {
  /** 1 to the number of keys. */
  readonly threshold: number
  /** 1 to 16, of 32 bytes. Of a commitment, the hashes of keys. */
  readonly keys: readonly Uint8Array[]
}

/** Who can bring an identity back, and how long everybody else is given to object. */
export interface RecoveryPolicy {
  readonly quorum: KeySet
  /** In ms, by the times that events state. */
  readonly delayMs: number
}

/**
 * `reader`: is believed when it says who it is. `writer`: also has cores that count. `admin`: also lets readers and writers in, revokes
 * them, and moves cores.
 */
export type Role = 'reader' | 'writer' | 'admin'

export type RevocationReason = 'lost' | 'retired' | 'compromised'

/** Where a core ends, as far as it counts. */
export interface CutOff {
  /** The core's key, 32 bytes. */
  readonly core: Uint8Array
  readonly fork: number
  /** Blocks that count: those below. */
  readonly length: number
  /** Of the Merkle tree at that length, 32 bytes: `core.treeHash(length)`. */
  readonly treeHash: Uint8Array
}

/** A name's next core. */
export interface CoreRoll {
  /** 1 to 64 bytes of UTF-8, such as `contacts` or `photos/blobs`. */
  readonly name: string
  /** Key of the core that counts from now on, 32 bytes. */
  readonly core: Uint8Array
  /** Where the one before ends; `null` for a name's first. */
  readonly previous: CutOff | null
}
