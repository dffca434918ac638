// primitives.ts for browsers, on the audited https://paulmillr.com/noble: libsodium's JavaScript build is several times as slow. The vectors and
// primitives.property.test.ts hold the two together.
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b as nobleBlake2b } from '@noble/hashes/blake2.js'
import { randomBytes as nobleRandomBytes } from '@noble/hashes/utils.js'
import b4a from 'b4a'
import type { KeyPair } from '../types.ts'

const BYTES = 32

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

export function ed25519Verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  // RFC 8032's own rules, which are stricter than ZIP 215, noble's default.
  return ed25519.verify(signature, message, publicKey, { zip215: false })
}
