/**
 * Gives that many bytes that nobody can guess. Whoever can guess them has the secret: replace the default only
 * by a hardware source, or in tests.
 */
export type RandomBytes = (length: number) => Uint8Array

/** Public and secret key. Ed25519: 32 and 64 bytes, as hypercore-crypto makes them. X25519: 32 and 32. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** A friend who keeps a share. */
export interface Holder {
  /** What the owner calls them. Stays on the owner's device: no share names its holder, or any other. */
  readonly name: string
  /** Their X25519 key, 32 bytes, of `holderKeyPair`; seal to it. Two holders may not have the same. */
  readonly publicKey?: Uint8Array
}

/** What all shares of a set say alike. */
export interface SetHeader {
  /** 16 bytes; the same in every epoch. */
  readonly setId: Uint8Array
  /** From 0, one more with every `refresh`, to 65535. */
  readonly epoch: number
  /** How many shares bring the secret back, 2 to 255. */
  readonly threshold: number
  /** How many shares there are, 2 to 255. */
  readonly holders: number
  /** What the secret is, for the people who hold shares: up to 40 bytes of UTF-8. Not secret. */
  readonly label: string
  /** The Ed25519 key, 32 bytes, that signed every share. */
  readonly dealer: Uint8Array
  /** 32 bytes; tells the right key of the payload from any other, and nothing else about it. */
  readonly keyCommitment: Uint8Array
}
