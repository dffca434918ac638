/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type KeyRotationErrorCode =
  | 'KEY_ROTATION_BAD_ARGUMENT'
  | 'KEY_ROTATION_BAD_CUT_OFF'
  | 'KEY_ROTATION_BAD_POSSESSION'
  | 'KEY_ROTATION_BAD_SIGNATURE'
  | 'KEY_ROTATION_BAD_THRESHOLD'
  | 'KEY_ROTATION_BAD_TIME'
  | 'KEY_ROTATION_BROKEN_CHAIN'
  | 'KEY_ROTATION_CLOSED'
  | 'KEY_ROTATION_CORE_MISMATCH'
  | 'KEY_ROTATION_CORE_REUSED'
  | 'KEY_ROTATION_DEVICE_EXPIRED'
  | 'KEY_ROTATION_DEVICE_REVOKED'
  | 'KEY_ROTATION_DEVICE_UNKNOWN'
  | 'KEY_ROTATION_DUPLICATE_KEY'
  | 'KEY_ROTATION_EMPTY'
  | 'KEY_ROTATION_FORKED'
  | 'KEY_ROTATION_KEY_REUSED'
  | 'KEY_ROTATION_MALFORMED'
  | 'KEY_ROTATION_NEWER_FORMAT'
  | 'KEY_ROTATION_NOT_CANONICAL'
  | 'KEY_ROTATION_NOT_COMMITTED'
  | 'KEY_ROTATION_NOT_ENOUGH_SIGNATURES'
  | 'KEY_ROTATION_NOT_WITNESSED'
  | 'KEY_ROTATION_NO_RECOVERY'
  | 'KEY_ROTATION_NO_RIGHT'
  | 'KEY_ROTATION_OUT_OF_ORDER'
  | 'KEY_ROTATION_RECOVERY_FINAL'
  | 'KEY_ROTATION_RECOVERY_TOO_EARLY'
  | 'KEY_ROTATION_ROLLBACK'
  | 'KEY_ROTATION_TOO_LARGE'
  | 'KEY_ROTATION_UNEXPECTED_SIGNER'
  | 'KEY_ROTATION_UNKNOWN_EVENT'
  | 'KEY_ROTATION_UNSUPPORTED_UPSTREAM'
  | 'KEY_ROTATION_WRONG_IDENTITY'

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class KeyRotationError extends Error {
  override readonly name = 'KeyRotationError'
  readonly code: KeyRotationErrorCode

  constructor(code: KeyRotationErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
