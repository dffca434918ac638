// primitives.ts for browsers, on the audited https://paulmillr.com/noble: a third of the size of libsodium's JavaScript build, and ten times
// as fast. The vectors and browser.test.ts hold the two together.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { blake2b as nobleBlake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { randomBytes as nobleRandomBytes } from '@noble/hashes/utils.js'
import { concat } from '../bytes.ts'
import type { KeyPair } from '../types.ts'

const { Point } = ed25519
const KEY_BYTES = 32
/** `expand 32-byte k`, the constant of Salsa20, in little-endian words. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)

export function blake2b(length: number, parts: readonly Uint8Array[], key?: Uint8Array): Uint8Array {
  const hash = nobleBlake2b.create({ dkLen: length, ...(key && { key }) })
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export function randomBytes(length: number): Uint8Array {
  return nobleRandomBytes(length)
}

export function ed25519KeyPair(seed: Uint8Array): KeyPair {
  const publicKey = ed25519.getPublicKey(seed)
  return { publicKey, secretKey: concat([seed, publicKey]) }
}

export function ed25519Sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return ed25519.sign(message, secretKey.subarray(0, KEY_BYTES))
}

/**
 * As libsodium, so that a signature is good on all machines or on none: without the cofactor (RFC 8032, section 5.1.7, allows both), and with no
 * point of a small order. noble's own `verify` multiplies by the cofactor, which takes signatures with a torsion component.
 */
export function ed25519Verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  const encoded = signature.subarray(0, KEY_BYTES)
  try {
    const [key, point] = [Point.fromBytes(publicKey), Point.fromBytes(encoded)]
    if (key.isSmallOrder() || point.isSmallOrder()) return false
    const challenge = littleEndian(sha512(concat([encoded, publicKey, message]))) % Point.Fn.ORDER
    const expected = Point.BASE.multiplyUnsafe(littleEndian(signature.subarray(KEY_BYTES)))
    return sameBytes(expected.subtract(key.multiplyUnsafe(challenge)).toBytes(), encoded)
  } catch {
    return false
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => number * 256n + BigInt(byte), 0n)
}

export function x25519KeyPair(seed: Uint8Array): KeyPair {
  const secretKey = sha512(seed).slice(0, KEY_BYTES)
  return { publicKey: x25519.getPublicKey(secretKey), secretKey }
}

export function isX25519Key(publicKey: Uint8Array): boolean {
  return boxKey(new Uint8Array(KEY_BYTES).fill(1), publicKey) !== null
}

export function chachaSeal(message: Uint8Array, additional: Uint8Array, key: Uint8Array): Uint8Array {
  return chacha20poly1305(key, new Uint8Array(12), additional).encrypt(message)
}

export function chachaOpen(cipher: Uint8Array, additional: Uint8Array, key: Uint8Array): Uint8Array | null {
  try {
    return chacha20poly1305(key, new Uint8Array(12), additional).decrypt(cipher)
  } catch {
    return null
  }
}

/** https://doc.libsodium.org/public-key_cryptography/sealed_boxes: an ephemeral key, then a box with BLAKE2b of both keys as nonce. */
export function boxSeal(message: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const ephemeral = randomBytes(KEY_BYTES)
  const ephemeralKey = x25519.getPublicKey(ephemeral)
  const key = boxKey(ephemeral, publicKey)
  // Whoever calls has asked isX25519Key.
  if (key === null) throw new Error('a key of a small order')
  const nonce = blake2b(24, [ephemeralKey, publicKey])
  return concat([ephemeralKey, xsalsa20poly1305(key, nonce).encrypt(message)])
}

export function boxOpen(cipher: Uint8Array, keys: KeyPair): Uint8Array | null {
  if (cipher.length < KEY_BYTES + 16) return null
  const ephemeralKey = cipher.slice(0, KEY_BYTES)
  const key = boxKey(keys.secretKey, ephemeralKey)
  if (key === null) return null
  try {
    const nonce = blake2b(24, [ephemeralKey, keys.publicKey])
    return xsalsa20poly1305(key, nonce).decrypt(cipher.slice(KEY_BYTES))
  } catch {
    return null
  }
}

/** `crypto_box_beforenm`: HSalsa20 of the X25519 shared secret. `null` for keys of a small order. */
function boxKey(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  let shared: Uint8Array
  try {
    shared = x25519.getSharedSecret(secretKey, publicKey)
  } catch {
    return null
  }
  const key = new Uint32Array(8)
  hsalsa(SIGMA, words(shared), new Uint32Array(4), key)
  return new Uint8Array(key.buffer)
}

/** Browsers run on little-endian machines, as noble asks too. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes).buffer)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let different = 0
  for (let i = 0; i < a.length; i++) different |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return different === 0
}

export function zero(buffer: Uint8Array): void {
  buffer.fill(0)
}
