import { ed25519 } from '@noble/curves/ed25519.js'
import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type { NoiseCurve } from 'noise-curve-ed'
import sodium from 'sodium-universal'
import type { KeyPair } from '../types.ts'

const KEY_BYTES = 32

/**
 * The same as noise-curve-ed, which needs `crypto_scalarmult_ed25519_noclamp`: sodium's JavaScript has none.
 *
 * libsodium refuses points that are not of the main subgroup, and so does this; for the others a scalar counts modulo the group's order.
 */
export const ed25519Curve: NoiseCurve = {
  DHLEN: KEY_BYTES,
  PKLEN: KEY_BYTES,
  SCALARLEN: KEY_BYTES,
  SKLEN: 64,
  ALG: 'Ed25519',
  name: 'Ed25519',
  generateKeyPair: (): KeyPair => crypto.keyPair(),
  dh(publicKey: Uint8Array, { secretKey }: KeyPair): Uint8Array {
    const point = ed25519.Point.fromBytes(Uint8Array.from(publicKey))
    if (point.isSmallOrder() || !point.isTorsionFree()) throw new Error('this is no public key')
    return b4a.from(point.multiply(scalarOf(secretKey)).toBytes())
  }
}

/** libsodium's: SHA-512 of the seed, clamped (RFC 8032, 5.1.5). */
function scalarOf(secretKey: Uint8Array): bigint {
  const hash = b4a.alloc(64)
  sodium.crypto_hash_sha512(hash, b4a.from(secretKey.subarray(0, 32)))
  let scalar = 0n
  for (let i = 31; i >= 0; i--) {
    const byte = hash[i] ?? 0
    const clamped = i === 0 ? byte & 248 : i === 31 ? (byte & 127) | 64 : byte
    scalar = (scalar << 8n) | BigInt(clamped)
  }
  return scalar % ed25519.Point.CURVE().n
}
