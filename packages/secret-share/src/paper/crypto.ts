/**
 * What `slip39` needs of Node's `crypto`, for Bare and browsers: a bundler puts it there by an alias of `crypto`, such as esbuild's
 * `alias: { crypto: '@cloudpal/secret-share/paper/crypto' }`. HMAC and PBKDF2 are noble's, randomness is this package's.
 *
 * @packageDocumentation
 */
import { hmac } from '@noble/hashes/hmac.js'
import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { systemRandom } from '../crypto/crypto.ts'

/** Node's `crypto.randomBytes`. */
export function randomBytes(length: number): Uint8Array {
  return systemRandom(length)
}

/** What is needed of Node's `Hmac`. */
export interface HmacLike {
  update(data: Uint8Array): void
  digest(): Uint8Array
}

/** Node's `crypto.createHmac`, of SHA-256 only. */
export function createHmac(_algorithm: 'sha256', key: Uint8Array): HmacLike {
  const mac = hmac.create(sha256, key)
  return { update: (data) => void mac.update(data), digest: () => mac.digest() }
}

/** Node's `crypto.pbkdf2Sync`, with SHA-256 only. */
export function pbkdf2Sync(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
  _digest: 'sha256'
): Uint8Array {
  return pbkdf2(sha256, password, salt, { c: iterations, dkLen: length })
}
