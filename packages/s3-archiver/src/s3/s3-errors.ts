import { S3ArchiverError, type S3ArchiverErrorCode } from '../errors.ts'

/** What S3 answered, or what kept it from answering, as the SDK tells it. */
interface S3Failure {
  name?: string
  code?: unknown
  $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean }
}

const CODES: Record<string, S3ArchiverErrorCode> = {
  AbortError: 'S3_ARCHIVER_ABORTED',
  AccessDenied: 'S3_ARCHIVER_STORE_DENIED',
  AllAccessDisabled: 'S3_ARCHIVER_STORE_DENIED',
  ConditionalRequestConflict: 'S3_ARCHIVER_STORE_THROTTLED',
  CredentialsProviderError: 'S3_ARCHIVER_STORE_CREDENTIALS',
  ExpiredToken: 'S3_ARCHIVER_STORE_CREDENTIALS',
  InvalidAccessKeyId: 'S3_ARCHIVER_STORE_CREDENTIALS',
  InvalidToken: 'S3_ARCHIVER_STORE_CREDENTIALS',
  NoSuchBucket: 'S3_ARCHIVER_STORE_NO_BUCKET',
  OperationAborted: 'S3_ARCHIVER_STORE_THROTTLED',
  RequestTimeTooSkewed: 'S3_ARCHIVER_STORE_CLOCK_SKEW',
  RequestTimeout: 'S3_ARCHIVER_STORE_TIMEOUT',
  SignatureDoesNotMatch: 'S3_ARCHIVER_STORE_CREDENTIALS',
  SlowDown: 'S3_ARCHIVER_STORE_THROTTLED',
  SlowDownRead: 'S3_ARCHIVER_STORE_THROTTLED',
  SlowDownWrite: 'S3_ARCHIVER_STORE_THROTTLED',
  TimeoutError: 'S3_ARCHIVER_STORE_TIMEOUT',
  TooManyRequests: 'S3_ARCHIVER_STORE_THROTTLED'
}

/** A connection that broke; the SDK calls these timeouts, too. */
const BROKEN = ['ECONNRESET', 'EPIPE']
/** No connection was made, so nothing was asked. */
const NEVER_SENT = ['EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'ENOTFOUND']

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
  const failure = (cause ?? {}) as S3Failure
  const code = codeOf(failure, isPut)
  const detail = (cause as Error | null)?.message ?? ''
  return new S3ArchiverError(code, MESSAGES[code] ?? `the store refuses: ${detail}`, {
    cause,
    retryable: RETRYABLE.includes(code),
    // What was refused did not happen. What was not answered, or by an answer that says nothing, may have.
    ambiguous: isPut && UNANSWERED.includes(code) && !NEVER_SENT.includes(String(failure.code))
  })
}

const UNANSWERED: readonly S3ArchiverErrorCode[] = [
  'S3_ARCHIVER_ABORTED',
  'S3_ARCHIVER_STORE_TIMEOUT',
  'S3_ARCHIVER_STORE_UNAVAILABLE'
]
const RETRYABLE: readonly S3ArchiverErrorCode[] = [
  'S3_ARCHIVER_STORE_THROTTLED',
  'S3_ARCHIVER_STORE_TIMEOUT',
  'S3_ARCHIVER_STORE_TRUNCATED',
  'S3_ARCHIVER_STORE_UNAVAILABLE'
]

function codeOf({ name = '', $metadata, code }: S3Failure, isPut: boolean): S3ArchiverErrorCode {
  const status = $metadata?.httpStatusCode
  if (BROKEN.includes(String(code))) return 'S3_ARCHIVER_STORE_UNAVAILABLE'
  const known = Object.hasOwn(CODES, name) ? CODES[name] : undefined
  if (known !== undefined) return known
  if (isPut && status === 501) return 'S3_ARCHIVER_STORE_NO_CONDITIONS'
  if (status === 429) return 'S3_ARCHIVER_STORE_THROTTLED'
  if (status === 403 || status === 401) return 'S3_ARCHIVER_STORE_DENIED'
  if (code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') return 'S3_ARCHIVER_STORE_TIMEOUT'
  // Without a status nothing was answered: a broken connection, a name that does not resolve, an answer that is no S3's. A bare 503 may
  // be a proxy's, which lost the store after it had asked it.
  if (status === undefined || status >= 500 || status < 300) return 'S3_ARCHIVER_STORE_UNAVAILABLE'
  return 'S3_ARCHIVER_STORE_FAILED'
}

/** Whether the request failed with one of these names; or, where the answer has no body to name it, this status. */
export function isFailure(error: unknown, names: readonly string[], status?: number): boolean {
  const { name = '', $metadata } = (error ?? {}) as S3Failure
  return names.includes(name) || (status !== undefined && $metadata?.httpStatusCode === status)
}

/** Whether a request was refused for the clock of this machine, and the SDK now knows how far it is off. */
export function isSkewCorrected(error: unknown): boolean {
  return (
    isFailure(error, ['RequestTimeTooSkewed']) && (error as S3Failure).$metadata?.clockSkewCorrected === true
  )
}
