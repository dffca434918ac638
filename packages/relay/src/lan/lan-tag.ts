import b4a from 'b4a'
import crypto from 'hypercore-crypto'

const DOMAIN = b4a.from('cloudpal/relay/lan/1\0')
const SALT_BYTES = 8
const TAG_BYTES = 16
/** Characters of a label: hex, which no resolver folds or rejects, and a DNS label may have 63. */
export const LABEL_LENGTH: number = 2 * (SALT_BYTES + TAG_BYTES)

/**
 * How a device is called on the local network: a salt, and 16 bytes of BLAKE2b-256 (RFC 7693) of a domain, the salt and its public key. Who knows the key sees whom it
 * is; to everybody else it is noise, and with another salt other noise, so that nobody can follow a device from one network to the next.
 */
export function labelOf(publicKey: Uint8Array, salt: Uint8Array = crypto.randomBytes(SALT_BYTES)): string {
  return b4a.toString(b4a.concat([salt, tagOf(publicKey, salt)]), 'hex')
}

/** Whether a label is that of a key. Anybody may repeat a label: only a Noise handshake shows who is there. */
export function isLabelOf(label: string, publicKey: Uint8Array): boolean {
  if (label.length !== LABEL_LENGTH || !/^[0-9a-f]+$/.test(label)) return false
  const bytes = b4a.from(label, 'hex')
  return b4a.equals(bytes.subarray(SALT_BYTES), tagOf(publicKey, bytes.subarray(0, SALT_BYTES)))
}

function tagOf(publicKey: Uint8Array, salt: Uint8Array): Uint8Array {
  return crypto.hash([DOMAIN, salt, publicKey]).subarray(0, TAG_BYTES)
}
