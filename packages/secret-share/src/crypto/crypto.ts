import { utf8 } from '@scure/base'
import { concat } from '../bytes.ts'
import { SecretShareError } from '../errors.ts'
import type { KeyPair, RandomBytes } from '../types.ts'
import {
  blake2b,
  boxOpen,
  boxSeal,
  chachaOpen,
  chachaSeal,
  ed25519KeyPair,
  ed25519Sign,
  ed25519Verify,
  isX25519Key,
  randomBytes,
  sameBytes,
  x25519KeyPair,
  zero
} from './primitives.ts'

const HASH_BYTES = 32

/** BLAKE2b-256 (RFC 7693) of `cloudpal/secret-share/1/<purpose>`, a zero byte, and the parts. */
export function hash(purpose: string, parts: readonly Uint8Array[]): Uint8Array {
  return blake2b(HASH_BYTES, [domain(purpose), ...parts])
}

/** The same with a key of 32 bytes: what derives one secret from another. */
export function derive(purpose: string, key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  return blake2b(HASH_BYTES, [domain(purpose), ...parts], key)
}

/** The system's randomness. */
export const systemRandom: RandomBytes = randomBytes

/**
 * Asks for random bytes and refuses what cannot be any.
 *
 * @throws SECRET_SHARE_NO_RANDOMNESS for another length, or 16 and more bytes that are all the same
 */
export function take(random: RandomBytes, length: number): Uint8Array {
  const bytes = attempt(() => random(length))
  if (!(bytes instanceof Uint8Array) || bytes.length !== length) throw noRandomness()
  if (length >= 16 && bytes.every((byte) => byte === bytes[0])) throw noRandomness()
  return new Uint8Array(bytes)
}

/** What came cannot be random. */
export function noRandomness(cause: unknown = null): SecretShareError {
  const words = 'This device gave no usable random numbers.'
  return new SecretShareError('SECRET_SHARE_NO_RANDOMNESS', words, { cause })
}

/** A source throws where there is none, such as on a telephone whose app did not bring one. */
function attempt<T>(draw: () => T): T {
  try {
    return draw()
  } catch (cause) {
    throw noRandomness(cause)
  }
}

/** An Ed25519 key pair of a seed of 32 bytes. */
export function signKeyPair(seed: Uint8Array): KeyPair {
  return discreet(ed25519KeyPair(seed))
}

/** An X25519 key pair of a seed of 32 bytes. */
export function boxKeyPair(seed: Uint8Array): KeyPair {
  return discreet(x25519KeyPair(seed))
}

/** The secret half shows in no log and no JSON; a spread or a copy leaves it out, and what is left is refused as a key pair. */
export function discreet({ publicKey, secretKey }: KeyPair): KeyPair {
  return Object.defineProperty({ publicKey, secretKey }, 'secretKey', { enumerable: false })
}

/** An Ed25519 signature, 64 bytes, that is good for this purpose only. */
export function sign(purpose: string, message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return ed25519Sign(concat([domain(purpose), message]), secretKey)
}

export function verify(
  purpose: string,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array
): boolean {
  return ed25519Verify(concat([domain(purpose), message]), signature, publicKey)
}

/** ChaCha20-Poly1305 under a key that is used once. 16 bytes longer. */
export const encryptOnce: (message: Uint8Array, additional: Uint8Array, key: Uint8Array) => Uint8Array =
  chachaSeal

/** `null` when the key is another, or a bit was changed. */
export const decryptOnce: (cipher: Uint8Array, additional: Uint8Array, key: Uint8Array) => Uint8Array | null =
  chachaOpen

/** Whether something can be sealed to an X25519 key. */
export const isSealable: (publicKey: Uint8Array) => boolean = isX25519Key

/**
 * `crypto_box_seal`: only the owner of the key opens it, and nobody can tell who sealed it. 48 bytes longer.
 *
 * @param publicKey one that `isSealable` has found good
 */
export function sealTo(message: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return attempt(() => boxSeal(message, publicKey))
}

/** `null` when it was sealed to another key, or a bit was changed. */
export const openSealed: (cipher: Uint8Array, keys: KeyPair) => Uint8Array | null = boxOpen

/** In a time that does not depend on the bytes, as far as JavaScript's callers allow. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sameBytes(a, b)
}

/** Overwrites with zeros. What the engine has copied elsewhere stays. */
export function wipe(...buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) zero(buffer)
}

function domain(purpose: string): Uint8Array {
  return utf8.decode(`cloudpal/secret-share/1/${purpose}\0`)
}
