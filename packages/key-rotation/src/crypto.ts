import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type { KeyPair } from './types.ts'

/** Ed25519 and BLAKE2b-256, in bytes. */
export const KEY_BYTES = 32
export const HASH_BYTES = 32
export const SIGNATURE_BYTES = 64

const PURPOSES = ['event', 'signature', 'next', 'possession', 'receipt', 'connection'] as const

/** What bytes are hashed or signed for. Nothing that was made for one purpose, or by another protocol, passes for another. */
export type Purpose = (typeof PURPOSES)[number]

/** FORMAT.md, "Notation". */
const NAMESPACES: readonly Uint8Array[] = crypto.namespace('cloudpal/key-rotation/1', PURPOSES.length)

function namespaceOf(purpose: Purpose): Uint8Array {
  return NAMESPACES[PURPOSES.indexOf(purpose)] as Uint8Array
}

/** BLAKE2b-256 (RFC 7693) of the purpose's namespace and the parts. */
export function hash(purpose: Purpose, parts: readonly Uint8Array[]): Uint8Array {
  return crypto.hash([namespaceOf(purpose), ...parts])
}

/** An Ed25519 signature (RFC 8032) of the purpose's namespace and the message. */
export function sign(purpose: Purpose, message: Uint8Array, { secretKey }: KeyPair): Uint8Array {
  return crypto.sign(b4a.concat([namespaceOf(purpose), message]), secretKey)
}

/** As libsodium does: no key or point of a small order, and no signature that is written another way. */
export function verifySignature(
  purpose: Purpose,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array
): boolean {
  return crypto.verify(b4a.concat([namespaceOf(purpose), message]), signature, publicKey)
}

/** What an event says of a key that is to count later: FORMAT.md, "Key set". */
export function commitTo(publicKey: Uint8Array): Uint8Array {
  return hash('next', [publicKey])
}

/** A fresh Ed25519 key pair, or that of a seed of 32 bytes. */
export function createKeyPair(seed?: Uint8Array): KeyPair {
  return seed === undefined ? crypto.keyPair() : crypto.keyPair(seed)
}
