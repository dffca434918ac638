/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type S3ArchiverErrorCode =
  | 'S3_ARCHIVER_ABORTED'
  | 'S3_ARCHIVER_BAD_ARGUMENT'
  | 'S3_ARCHIVER_BAD_REQUEST'
  | 'S3_ARCHIVER_CLOSED'
  | 'S3_ARCHIVER_DAMAGED'
  | 'S3_ARCHIVER_FENCED'
  | 'S3_ARCHIVER_HELD'
  | 'S3_ARCHIVER_LOCAL_DAMAGED'
  | 'S3_ARCHIVER_LOCAL_FAILED'
  | 'S3_ARCHIVER_MISSING_BLOCKS'
  | 'S3_ARCHIVER_NEWER_FORMAT'
  | 'S3_ARCHIVER_NOT_ARCHIVED'
  | 'S3_ARCHIVER_NOT_EMPTY'
  | 'S3_ARCHIVER_ROLLBACK'
  | 'S3_ARCHIVER_STORE_BAD_NAME'
  | 'S3_ARCHIVER_STORE_CLOCK_SKEW'
  | 'S3_ARCHIVER_STORE_CREDENTIALS'
  | 'S3_ARCHIVER_STORE_DENIED'
  | 'S3_ARCHIVER_STORE_FAILED'
  | 'S3_ARCHIVER_STORE_NO_BUCKET'
  | 'S3_ARCHIVER_STORE_NO_CONDITIONS'
  | 'S3_ARCHIVER_STORE_READ_ONLY'
  | 'S3_ARCHIVER_STORE_THROTTLED'
  | 'S3_ARCHIVER_STORE_TIMEOUT'
  | 'S3_ARCHIVER_STORE_TRUNCATED'
  | 'S3_ARCHIVER_STORE_UNAVAILABLE'
  | 'S3_ARCHIVER_STORE_UNSORTED'
  | 'S3_ARCHIVER_UNSUPPORTED_UPSTREAM'

export interface S3ArchiverErrorOptions {
  cause?: unknown
  /** Whether the same call may work later. @defaultValue false */
  retryable?: boolean
  /** Whether a put may have happened all the same. @defaultValue false */
  ambiguous?: boolean
}

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class S3ArchiverError extends Error {
  override readonly name = 'S3ArchiverError'
  readonly code: S3ArchiverErrorCode
  /** Whether the same call may work later: the store was busy, or away. */
  readonly retryable: boolean
  /** Of a put: whether the object may be there all the same. */
  readonly ambiguous: boolean

  constructor(code: S3ArchiverErrorCode, message: string, options: S3ArchiverErrorOptions = {}) {
    super(`${code}: ${message}`, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? false
    this.ambiguous = options.ambiguous ?? false
  }
}
