// The one file that knows libsodium. Source of every primitive: https://doc.libsodium.org
import { concat } from '../bytes.ts'
import b4a from 'b4a'
import sodium from 'sodium-universal'
import { SecretShareError } from '../errors.ts'
import type { KeyPair, RandomBytes } from '../types.ts'

const HASH_BYTES = 32
const TAG_BYTES = 16
const SEAL_BYTES = 48
const SIGNATURE_BYTES = 64

/** BLAKE2b-256 (RFC 7693) of `cloudpal/secret-share/1/<purpose>`, a zero byte, and the parts. */
export function hash(purpose: string, parts: readonly Uint8Array[]): Uint8Array {
  return digest(purpose, parts)
}

/** The same with a key of 32 bytes: what derives one secret from another. */
export function derive(purpose: string, key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  return digest(purpose, parts, key)
}

function digest(purpose: string, parts: readonly Uint8Array[], key?: Uint8Array): Uint8Array {
  const output = new Uint8Array(HASH_BYTES)
  const all = [domain(purpose), ...parts]
  if (key === undefined) sodium.crypto_generichash_batch(output, all)
  else sodium.crypto_generichash_batch(output, all, key)
  return output
}

/** The system's randomness, through libsodium. */
export const systemRandom: RandomBytes = (length) => {
  const bytes = new Uint8Array(length)
  sodium.randombytes_buf(bytes)
  return bytes
}

/**
 * Asks for random bytes and refuses what cannot be any.
 *
 * @throws SECRET_SHARE_NO_RANDOMNESS for another length, or 16 and more bytes that are all the same
 */
export function take(random: RandomBytes, length: number): Uint8Array {
  const bytes = random(length)
  const constant = length >= 16 && bytes.every((byte) => byte === bytes[0])
  if (bytes instanceof Uint8Array && bytes.length === length && !constant) return new Uint8Array(bytes)
  throw noRandomness()
}

/** What came cannot be random. */
export function noRandomness(): SecretShareError {
  return new SecretShareError('SECRET_SHARE_NO_RANDOMNESS', 'This device gave no usable random numbers.')
}

/** An Ed25519 key pair (RFC 8032) of a seed of 32 bytes. */
export function signKeyPair(seed: Uint8Array): KeyPair {
  const keys = { publicKey: new Uint8Array(32), secretKey: new Uint8Array(64) }
  sodium.crypto_sign_seed_keypair(keys.publicKey, keys.secretKey, seed)
  return keys
}

/** An X25519 key pair (RFC 7748) of a seed of 32 bytes. */
export function boxKeyPair(seed: Uint8Array): KeyPair {
  const keys = { publicKey: new Uint8Array(32), secretKey: new Uint8Array(32) }
  sodium.crypto_box_seed_keypair(keys.publicKey, keys.secretKey, seed)
  return keys
}

/** An Ed25519 signature, 64 bytes, that is good for this purpose only. */
export function sign(purpose: string, message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES)
  sodium.crypto_sign_detached(signature, concat([domain(purpose), message]), secretKey)
  return signature
}

export function verify(
  purpose: string,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array
): boolean {
  return sodium.crypto_sign_verify_detached(signature, concat([domain(purpose), message]), publicKey)
}

/** ChaCha20-Poly1305 (RFC 8439) under a key that is used once, hence a nonce of zeros. 16 bytes longer. */
export function encryptOnce(message: Uint8Array, additional: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = new Uint8Array(message.length + TAG_BYTES)
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(cipher, message, additional, null, new Uint8Array(12), key)
  return cipher
}

/** `null` when the key is another, or a bit was changed. */
export function decryptOnce(cipher: Uint8Array, additional: Uint8Array, key: Uint8Array): Uint8Array | null {
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

/**
 * Whether something can be sealed to an X25519 key. With one of a small order everybody would have the shared key (RFC 7748, section 6.1); the
 * JavaScript build of libsodium does not look.
 */
export function isSealable(publicKey: Uint8Array): boolean {
  const shared = new Uint8Array(32)
  try {
    sodium.crypto_scalarmult(shared, new Uint8Array(32).fill(1), publicKey)
  } catch {
    return false
  }
  return shared.some((byte) => byte !== 0)
}

/** `crypto_box_seal`: only the owner of the key opens it, and nobody can tell who sealed it. 48 bytes longer. */
export function sealTo(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const cipher = new Uint8Array(message.length + SEAL_BYTES)
  sodium.crypto_box_seal(cipher, message, publicKey)
  return cipher
}

/** `null` when it was sealed to another key, or a bit was changed. */
export function openSealed(cipher: Uint8Array, keys: KeyPair): Uint8Array | null {
  if (cipher.length < SEAL_BYTES) return null
  const message = new Uint8Array(cipher.length - SEAL_BYTES)
  try {
    return sodium.crypto_box_seal_open(message, cipher, keys.publicKey, keys.secretKey) ? message : null
  } catch {
    return null
  }
}

/** In a time that does not depend on the bytes, as far as JavaScript's callers allow. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.sodium_memcmp(a, b)
}

/** Overwrites with zeros. What the engine has copied elsewhere stays. */
export function wipe(...buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) sodium.sodium_memzero(buffer)
}

function domain(purpose: string): Uint8Array {
  return b4a.from(`cloudpal/secret-share/1/${purpose}\0`)
}
