/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type RelayErrorCode =
  | 'RELAY_BAD_ARGUMENT'
  | 'RELAY_BAD_GRANT'
  | 'RELAY_BAD_SIGNATURE'
  | 'RELAY_CANNOT_LISTEN'
  | 'RELAY_CLOSED'
  | 'RELAY_DENIED'
  | 'RELAY_DRAINING'
  | 'RELAY_GRANT_EXPIRED'
  | 'RELAY_GRANT_NOT_YOURS'
  | 'RELAY_GRANT_OTHER_RELAY'
  | 'RELAY_MALFORMED'
  | 'RELAY_NEWER_FORMAT'
  | 'RELAY_NOT_REGISTERED'
  | 'RELAY_NO_SCOPE'
  | 'RELAY_PATHS_LOST'
  | 'RELAY_PATH_LIED'
  | 'RELAY_PEER_REFUSED'
  | 'RELAY_PROTOCOL'
  | 'RELAY_QUOTA'
  | 'RELAY_REDIRECT'
  | 'RELAY_REDIRECT_REFUSED'
  | 'RELAY_REVOKED'
  | 'RELAY_TIMEOUT'
  | 'RELAY_TOO_MANY'
  | 'RELAY_UNREACHABLE'
  | 'RELAY_UNSUPPORTED_UPSTREAM'

export interface RelayErrorOptions {
  cause?: unknown
  /** @defaultValue 0 */
  retryAfterMs?: number
}

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly code: RelayErrorCode
  /** Milliseconds after which the same may be tried again; 0 where nothing was said. */
  readonly retryAfterMs: number

  constructor(code: RelayErrorCode, message: string, options: RelayErrorOptions = {}) {
    super(`${code}: ${message}`, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}
