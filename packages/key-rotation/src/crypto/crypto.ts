import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import type { KeyPair } from '../types.ts'
import { blake2b, ed25519KeyPair, ed25519Sign, ed25519Verify, randomBytes } from './primitives.ts'

export { randomBytes } from './primitives.ts'

/** Ed25519 and BLAKE2b-256, in bytes. */
export const KEY_BYTES = 32
export const HASH_BYTES = 32
export const SIGNATURE_BYTES = 64

/** Of a Hypercore without blocks: BLAKE2b-256 of the byte that stands before roots, as hypercore-crypto's `tree([])`. */
export const EMPTY_TREE_HASH: Uint8Array = blake2b([Uint8Array.of(2)])

const PURPOSES = ['event', 'signature', 'next', 'possession', 'receipt', 'connection', 'memory'] as const

/** What bytes are hashed or signed for. Nothing that was made for one purpose, or by another protocol, passes for another. */
export type Purpose = (typeof PURPOSES)[number]

/** FORMAT.md, "Notation". */
const NAMESPACES: readonly Uint8Array[] = PURPOSES.map((_, i) =>
  blake2b([blake2b([b4a.from('cloudpal/key-rotation/1')]), Uint8Array.of(i)])
)

function namespaceOf(purpose: Purpose): Uint8Array {
  return NAMESPACES[PURPOSES.indexOf(purpose)] as Uint8Array
}

/** BLAKE2b-256 (RFC 7693) of the purpose's namespace and the parts. */
export function hash(purpose: Purpose, parts: readonly Uint8Array[]): Uint8Array {
  return blake2b([namespaceOf(purpose), ...parts])
}

/** An Ed25519 signature (RFC 8032) of the purpose's namespace and the message. */
export function sign(purpose: Purpose, message: Uint8Array, { secretKey }: KeyPair): Uint8Array {
  return ed25519Sign(b4a.concat([namespaceOf(purpose), message]), secretKey)
}

export function verifySignature(
  purpose: Purpose,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array
): boolean {
  return ed25519Verify(b4a.concat([namespaceOf(purpose), message]), signature, publicKey)
}

/** What an event says of a key that is to count later: FORMAT.md, "Key set". */
export function commitTo(publicKey: Uint8Array): Uint8Array {
  return hash('next', [publicKey])
}

/** A fresh Ed25519 key pair, or that of a seed of 32 bytes, such as a secret that friends have brought back. @throws KEY_ROTATION_BAD_ARGUMENT */
export function createKeyPair(seed?: Uint8Array): KeyPair {
  if (seed !== undefined && !(seed instanceof Uint8Array && seed.length === KEY_BYTES))
    throw new KeyRotationError('KEY_ROTATION_BAD_ARGUMENT', 'a seed has 32 bytes')
  return ed25519KeyPair(seed ?? randomBytes(KEY_BYTES))
}
