import { encodeHeader } from './format/header.ts'
import { decryptOnce, derive, encryptOnce, equal, hash, wipe } from './crypto/crypto.ts'
import type { SetHeader } from './types.ts'

/** What the key of a payload may be known by: two keys never have the same, which ChaCha20-Poly1305 does not promise. */
export function commitToKey(key: Uint8Array): Uint8Array {
  return hash('key', [key])
}

/** Whether the key is the one that this set's shares were made of. */
export function isKeyOf(header: SetHeader, key: Uint8Array): boolean {
  return equal(commitToKey(key), header.keyCommitment)
}

/** Seals a secret under the shared key; the header is authenticated with it. 16 bytes longer. */
export function sealPayload(header: SetHeader, key: Uint8Array, secret: Uint8Array): Uint8Array {
  return withSealingKey(header, key, (sealing, encoded) => encryptOnce(secret, encoded, sealing))
}

/** `null` when the payload is not the one of this header and key. */
export function openPayload(header: SetHeader, key: Uint8Array, payload: Uint8Array): Uint8Array | null {
  return withSealingKey(header, key, (sealing, encoded) => decryptOnce(payload, encoded, sealing))
}

function withSealingKey<T>(
  header: SetHeader,
  key: Uint8Array,
  use: (sealing: Uint8Array, header: Uint8Array) => T
): T {
  const encoded = encodeHeader(header)
  const sealing = derive('payload key', key, [encoded])
  try {
    return use(sealing, encoded)
  } finally {
    wipe(sealing)
  }
}
