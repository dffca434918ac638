// The one file that knows the native cryptography of Node and Bare: libsodium, by hypercore-crypto. Bundlers put primitives-browser.ts in its place
// (`browser` in package.json), which has the same exports.
import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'

/** BLAKE2b-256 (RFC 7693) of the parts, as if they were one. */
export function blake2b(parts: readonly Uint8Array[]): Uint8Array {
  return crypto.hash(parts)
}

/** The system's randomness. */
export function randomBytes(length: number): Uint8Array {
  return crypto.randomBytes(length)
}

/** Ed25519 (RFC 8032), of a seed of 32 bytes. */
export function ed25519KeyPair(seed: Uint8Array): KeyPair {
  return crypto.keyPair(seed)
}

export function ed25519Sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return crypto.sign(message, secretKey)
}

/** As libsodium does: no key or point of a small order, and no signature that is written another way. */
export function ed25519Verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  return crypto.verify(message, signature, publicKey)
}
