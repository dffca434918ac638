// The one file that knows libsodium, native on Node and Bare: https://doc.libsodium.org. Bundlers put primitives-browser.ts in
// its place (`browser` in package.json), which has the same exports.
import sodium from 'sodium-universal'
import type { KeyPair } from '../types.ts'

const TAG_BYTES = 16
const SEAL_BYTES = 48

/** BLAKE2b (RFC 7693) of the parts, as if they were one; keyed with 32 bytes if a key is given. */
export function blake2b(length: number, parts: readonly Uint8Array[], key?: Uint8Array): Uint8Array {
  const output = new Uint8Array(length)
  if (key === undefined) sodium.crypto_generichash_batch(output, [...parts])
  else sodium.crypto_generichash_batch(output, [...parts], key)
  return output
}

/** The system's randomness. */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  sodium.randombytes_buf(bytes)
  return bytes
}

/** Ed25519 (RFC 8032), of a seed of 32 bytes. */
export function ed25519KeyPair(seed: Uint8Array): KeyPair {
  const keys = { publicKey: new Uint8Array(32), secretKey: new Uint8Array(64) }
  sodium.crypto_sign_seed_keypair(keys.publicKey, keys.secretKey, seed)
  return keys
}

export function ed25519Sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64)
  sodium.crypto_sign_detached(signature, message, secretKey)
  return signature
}

export function ed25519Verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  return sodium.crypto_sign_verify_detached(signature, message, publicKey)
}

/** X25519 (RFC 7748): the secret key is half of the seed's SHA-512, as in libsodium's `crypto_box_seed_keypair`. */
export function x25519KeyPair(seed: Uint8Array): KeyPair {
  const keys = { publicKey: new Uint8Array(32), secretKey: new Uint8Array(32) }
  sodium.crypto_box_seed_keypair(keys.publicKey, keys.secretKey, seed)
  return keys
}

/** False for keys of a small order: everybody would have the shared key (RFC 7748, section 6.1). */
export function isX25519Key(publicKey: Uint8Array): boolean {
  const shared = new Uint8Array(32)
  try {
    sodium.crypto_scalarmult(shared, new Uint8Array(32).fill(1), publicKey)
  } catch {
    return false
  }
  return shared.some((byte) => byte !== 0)
}

/** ChaCha20-Poly1305 (RFC 8439) with a nonce of zeros: for keys that are used once. 16 bytes longer. */
export function chachaSeal(message: Uint8Array, additional: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = new Uint8Array(message.length + TAG_BYTES)
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(cipher, message, additional, null, new Uint8Array(12), key)
  return cipher
}

/** `null` when the key is another, or a bit was changed. */
export function chachaOpen(cipher: Uint8Array, additional: Uint8Array, key: Uint8Array): Uint8Array | null {
  if (cipher.length < TAG_BYTES) return null
  const message = new Uint8Array(cipher.length - TAG_BYTES)
  try {
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
      message,
      null,
      cipher,
      additional,
      new Uint8Array(12),
      key
    )
    return message
  } catch {
    return null
  }
}

/** libsodium's `crypto_box_seal`, 48 bytes longer. */
export function boxSeal(message: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const cipher = new Uint8Array(message.length + SEAL_BYTES)
  sodium.crypto_box_seal(cipher, message, publicKey)
  return cipher
}

/** `null` when it was sealed to another key, or a bit was changed. */
export function boxOpen(cipher: Uint8Array, keys: KeyPair): Uint8Array | null {
  if (cipher.length < SEAL_BYTES) return null
  const message = new Uint8Array(cipher.length - SEAL_BYTES)
  return sodium.crypto_box_seal_open(message, cipher, keys.publicKey, keys.secretKey) ? message : null
}

/** Of the same length, in a time that does not depend on the bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return sodium.sodium_memcmp(a, b)
}

export function zero(buffer: Uint8Array): void {
  sodium.sodium_memzero(buffer)
}
