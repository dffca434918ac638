// primitives.ts for browsers, on the audited https://paulmillr.com/noble: libsodium's JavaScript build is several times as slow. The vectors and
// primitives.property.test.ts hold the two together.
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b as nobleBlake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { randomBytes as nobleRandomBytes } from '@noble/hashes/utils.js'
import b4a from 'b4a'
import type { KeyPair } from '../types.ts'

const BYTES = 32
const { Point } = ed25519
const { Fn } = Point

export function blake2b(parts: readonly Uint8Array[]): Uint8Array {
  const hash = nobleBlake2b.create({ dkLen: BYTES })
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export function randomBytes(length: number): Uint8Array {
  return nobleRandomBytes(length)
}

export function ed25519KeyPair(seed: Uint8Array): KeyPair {
  const publicKey = ed25519.getPublicKey(seed)
  return { publicKey, secretKey: b4a.concat([seed, publicKey]) }
}

export function ed25519Sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return ed25519.sign(message, secretKey.subarray(0, BYTES))
}

/**
 * As libsodium does (`crypto_sign_verify_detached`, ref10): without the cofactor, the second form of RFC 8032 5.1.7, and no key or point of a small order.
 * noble's own `verify` multiplies by the cofactor, and so takes signatures that libsodium refuses.
 */
export function ed25519Verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  const [r, s] = [signature.subarray(0, BYTES), signature.subarray(BYTES)]
  try {
    const key = Point.fromBytes(publicKey, false)
    if (key.isSmallOrder() || Point.fromBytes(r, true).isSmallOrder()) return false
    // Throws for what is not below the order of the group.
    const scalar = Fn.fromBytes(s)
    const challenge = Fn.create(littleEndian(sha512(b4a.concat([r, publicKey, message]))))
    const expected = Point.BASE.multiplyUnsafe(scalar).subtract(key.multiplyUnsafe(challenge))
    return signature.length === 2 * BYTES && b4a.equals(expected.toBytes(), r)
  } catch {
    return false
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${b4a.toString(Uint8Array.from(bytes).reverse(), 'hex')}`)
}
