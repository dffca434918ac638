/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type RelayErrorCode =
  | 'RELAY_BAD_ARGUMENT'
  | 'RELAY_BAD_SIGNATURE'
  | 'RELAY_MALFORMED'
  | 'RELAY_NEWER_FORMAT'
  | 'RELAY_REDIRECT_REFUSED'

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly code: RelayErrorCode

  constructor(code: RelayErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
