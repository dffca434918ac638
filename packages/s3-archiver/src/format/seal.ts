import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import sodium from 'sodium-universal'

const NONCE_BYTES = 24
const MAC_BYTES = 16

/**
 * Bytes that only who has the key can read or make (XSalsa20-Poly1305, libsodium's secretbox), after a nonce of their own. What they
 * belong to stands inside, and is compared.
 *
 * @param nonce - 24 bytes that are used once
 */
export function seal(
  key: Uint8Array,
  message: Uint8Array,
  nonce: Uint8Array = crypto.randomBytes(NONCE_BYTES)
): Uint8Array {
  const cipher = b4a.alloc(message.byteLength + MAC_BYTES)
  sodium.crypto_secretbox_easy(cipher, message, nonce, key)
  return b4a.concat([nonce, cipher])
}

/** @returns `null` when it was sealed with another key, or changed */
export function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  if (sealed.byteLength < NONCE_BYTES + MAC_BYTES) return null
  const message = b4a.alloc(sealed.byteLength - NONCE_BYTES - MAC_BYTES)
  const cipher = sealed.subarray(NONCE_BYTES)
  const isOurs = sodium.crypto_secretbox_open_easy(message, cipher, sealed.subarray(0, NONCE_BYTES), key)
  return isOurs ? message : null
}
