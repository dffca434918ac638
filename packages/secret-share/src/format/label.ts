import { SecretShareError } from '../errors.ts'
import { fromUtf8, toUtf8 } from '../utf8.ts'
import { isLabelText } from './label-characters.ts'

/** The longest label, in bytes of UTF-8. */
const LABEL_BYTES = 40

/**
 * A label as bytes. Writers want NFC besides; readers do not ask for it, since what is normalised depends on the version of Unicode that an
 * engine knows.
 *
 * @throws SECRET_SHARE_BAD_LABEL
 */
export function encodeLabel(label: string): Uint8Array {
  const bytes = toUtf8(label)
  const fits = bytes !== null && bytes.length <= LABEL_BYTES
  if (fits && isLabelText(label) && label.normalize('NFC') === label) return bytes
  throw new SecretShareError(
    'SECRET_SHARE_BAD_LABEL',
    `Give the secret a name of 1 to ${LABEL_BYTES} letters, without control characters, invisible ones, or spaces at its ends.`
  )
}

/** `null` when no label has these bytes. */
export function decodeLabel(bytes: Uint8Array): string | null {
  const label = fromUtf8(bytes)
  return label !== null && bytes.length <= LABEL_BYTES && isLabelText(label) ? label : null
}
