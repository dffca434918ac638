import b4a from 'b4a'
import { SecretShareError } from '../errors.ts'

/** The longest label, in bytes of UTF-8. */
const LABEL_BYTES = 40

/** Controls, directions, unassigned and private characters: they make a text look like another one. */
const UNFIT = /\p{C}/u

/**
 * A label as bytes.
 *
 * @throws SECRET_SHARE_BAD_LABEL
 */
export function encodeLabel(label: string): Uint8Array {
  const bytes = typeof label === 'string' ? b4a.from(label) : new Uint8Array(0)
  if (isLabel(label) && bytes.length > 0 && bytes.length <= LABEL_BYTES && b4a.toString(bytes) === label) {
    return bytes
  }
  throw new SecretShareError(
    'SECRET_SHARE_BAD_LABEL',
    `Give the secret a name of 1 to ${LABEL_BYTES} letters, without control characters.`
  )
}

/** `null` when no label has these bytes. */
export function decodeLabel(bytes: Uint8Array): string | null {
  const label = b4a.toString(bytes)
  const same = b4a.equals(b4a.from(label), bytes)
  return same && isLabel(label) && bytes.length > 0 && bytes.length <= LABEL_BYTES ? label : null
}

function isLabel(label: string): boolean {
  return label.normalize('NFC') === label && !UNFIT.test(label)
}
