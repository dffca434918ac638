import b4a from 'b4a'

/** Of a public key: Ed25519. */
export const KEY_BYTES = 32

/** A key as a name, in hex: what is kept by keys is found by it. */
export function nameOf(key: Uint8Array): string {
  return b4a.toString(key, 'hex')
}
