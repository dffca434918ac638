/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type MultiBeeErrorCode =
  | 'MULTI_BEE_BAD_ARGUMENT'
  | 'MULTI_BEE_BAD_BASE'
  | 'MULTI_BEE_BAD_INVITE'
  | 'MULTI_BEE_BAD_KEY'
  | 'MULTI_BEE_BAD_VALUE'
  | 'MULTI_BEE_BATCH_CLOSED'
  | 'MULTI_BEE_CLOSED'
  | 'MULTI_BEE_DECODE_FAILED'
  | 'MULTI_BEE_INVITE_EXPIRED'
  | 'MULTI_BEE_INVITE_REJECTED'
  | 'MULTI_BEE_INVITE_USED'
  | 'MULTI_BEE_JOIN_ABORTED'
  | 'MULTI_BEE_NOT_WRITABLE'
  | 'MULTI_BEE_STORE_COPIED'
  | 'MULTI_BEE_STORE_FAILED'
  | 'MULTI_BEE_STORE_LOCKED'
  | 'MULTI_BEE_TOO_LARGE'
  | 'MULTI_BEE_UNKNOWN_WRITER'
  | 'MULTI_BEE_UNSUPPORTED_UPSTREAM'
  | 'MULTI_BEE_VERSION_GONE'
  | 'MULTI_BEE_VIEW_UNREADABLE'
  | 'MULTI_BEE_WRITER_RETIRED'
  | 'MULTI_BEE_WRONG_ENCRYPTION_KEY'

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class MultiBeeError extends Error {
  override readonly name = 'MultiBeeError'
  readonly code: MultiBeeErrorCode

  constructor(code: MultiBeeErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
