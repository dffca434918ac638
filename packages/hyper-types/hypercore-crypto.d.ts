// hypercore-crypto 3.7.0
declare module 'hypercore-crypto' {
  /** Ed25519: 32-byte public key, 64-byte secret key. */
  export interface KeyPair {
    publicKey: Uint8Array
    secretKey: Uint8Array
  }

  /** A node of the Merkle tree; `size` is the bytes below it. */
  export interface TreeNode {
    index: number
    size: number
    hash: Uint8Array
  }

  interface HypercoreCrypto {
    keyPair(seed?: Uint8Array): KeyPair
    validateKeyPair(keyPair: KeyPair): boolean
    sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
    /** False, not an error, for a signature or key of the wrong length. */
    verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
    /** BLAKE2b-256 of one buffer, or of several as if they were one. */
    hash(data: Uint8Array | readonly Uint8Array[], out?: Uint8Array): Uint8Array
    data(block: Uint8Array): Uint8Array
    parent(a: TreeNode, b: TreeNode): Uint8Array
    tree(roots: readonly TreeNode[]): Uint8Array
    randomBytes(n: number): Uint8Array
    /** @throws plain Error unless the key has 32 bytes */
    discoveryKey(key: Uint8Array): Uint8Array
    /** `count` 32-byte namespaces derived from a name. */
    namespace(name: string | Uint8Array, count: number): Uint8Array[]
  }

  const crypto: HypercoreCrypto
  export default crypto
}
