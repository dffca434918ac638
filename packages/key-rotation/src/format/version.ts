import { KeyRotationError } from '../errors.ts'

/** What this version writes, and the only one it reads. */
export const FORMAT_VERSION = 1

/** @throws KEY_ROTATION_NEWER_FORMAT, KEY_ROTATION_MALFORMED for what no version has written */
export function checkVersion(version: number, what: string): void {
  if (version === FORMAT_VERSION) return
  const code = version > FORMAT_VERSION ? 'KEY_ROTATION_NEWER_FORMAT' : 'KEY_ROTATION_MALFORMED'
  throw new KeyRotationError(code, `${what} is of version ${version}, and this reads ${FORMAT_VERSION}`)
}
