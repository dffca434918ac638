import { S3ArchiverError, type S3ArchiverErrorCode } from '../errors.ts'

/** What S3 answered, or what kept it from answering, as the SDK tells it. */
export interface S3Failure {
  name?: string
  code?: unknown
  $metadata?: { httpStatusCode?: number }
}

const CODES: Record<string, S3ArchiverErrorCode> = {
  AbortError: 'S3_ARCHIVER_ABORTED',
  AccessDenied: 'S3_ARCHIVER_STORE_DENIED',
  AllAccessDisabled: 'S3_ARCHIVER_STORE_DENIED',
  CredentialsProviderError: 'S3_ARCHIVER_STORE_CREDENTIALS',
  ExpiredToken: 'S3_ARCHIVER_STORE_CREDENTIALS',
  InvalidAccessKeyId: 'S3_ARCHIVER_STORE_CREDENTIALS',
  InvalidToken: 'S3_ARCHIVER_STORE_CREDENTIALS',
  NoSuchBucket: 'S3_ARCHIVER_STORE_NO_BUCKET',
  NotImplemented: 'S3_ARCHIVER_STORE_NO_CONDITIONS',
  RequestTimeTooSkewed: 'S3_ARCHIVER_STORE_CLOCK_SKEW',
  RequestTimeout: 'S3_ARCHIVER_STORE_TIMEOUT',
  SignatureDoesNotMatch: 'S3_ARCHIVER_STORE_CREDENTIALS',
  SlowDown: 'S3_ARCHIVER_STORE_THROTTLED',
  TimeoutError: 'S3_ARCHIVER_STORE_TIMEOUT'
}

const MESSAGES: Partial<Record<S3ArchiverErrorCode, string>> = {
  S3_ARCHIVER_ABORTED: 'the call was aborted',
  S3_ARCHIVER_STORE_CLOCK_SKEW: 'the clock of this machine is too far from the store’s; set it',
  S3_ARCHIVER_STORE_CREDENTIALS: 'the store does not know these credentials',
  S3_ARCHIVER_STORE_DENIED: 'these credentials do not allow it',
  S3_ARCHIVER_STORE_NO_BUCKET: 'there is no such bucket',
  S3_ARCHIVER_STORE_NO_CONDITIONS: 'the store does not know conditional requests',
  S3_ARCHIVER_STORE_THROTTLED: 'the store asks for fewer requests',
  S3_ARCHIVER_STORE_TIMEOUT: 'the store did not answer in time',
  S3_ARCHIVER_STORE_UNAVAILABLE: 'the store cannot be reached, or has failed'
}

/** @param isPut - whether the request may have changed something before it failed */
export function s3Error(cause: unknown, isPut = false): S3ArchiverError {
  if (cause instanceof S3ArchiverError) return cause
  const code = codeOf(cause as S3Failure)
  const retryable = ['TIMEOUT', 'THROTTLED', 'UNAVAILABLE'].some(
    (kind) => code === `S3_ARCHIVER_STORE_${kind}`
  )
  // What was refused did not happen. What was not answered may have.
  const ambiguous =
    isPut && ((retryable && code !== 'S3_ARCHIVER_STORE_THROTTLED') || code === 'S3_ARCHIVER_ABORTED')
  const detail = (cause as Error | null)?.message ?? ''
  return new S3ArchiverError(code, MESSAGES[code] ?? `the store refuses: ${detail}`, {
    cause,
    retryable,
    ambiguous
  })
}

function codeOf(failure: S3Failure): S3ArchiverErrorCode {
  const { name = '', $metadata, code } = failure
  const status = $metadata?.httpStatusCode
  const known = Object.hasOwn(CODES, name) ? CODES[name] : undefined
  if (known !== undefined) return known
  if (status === 429 || status === 503) return 'S3_ARCHIVER_STORE_THROTTLED'
  if (status === 403 || status === 401) return 'S3_ARCHIVER_STORE_DENIED'
  if (code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') return 'S3_ARCHIVER_STORE_TIMEOUT'
  // Without a status nothing was answered: a broken connection, a name that does not resolve, an answer that is no S3's.
  if (status === undefined || status >= 500 || status < 300) return 'S3_ARCHIVER_STORE_UNAVAILABLE'
  return 'S3_ARCHIVER_STORE_FAILED'
}

/** Whether the request failed with one of these names; or, where the answer has no body to name it, this status. */
export function isFailure(error: unknown, names: readonly string[], status?: number): boolean {
  const { name = '', $metadata } = (error ?? {}) as S3Failure
  return names.includes(name) || (status !== undefined && $metadata?.httpStatusCode === status)
}
