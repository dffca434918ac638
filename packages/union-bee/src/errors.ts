/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type UnionBeeErrorCode =
  | 'UNION_BEE_BAD_ARGUMENT'
  | 'UNION_BEE_BAD_KEY'
  | 'UNION_BEE_BAD_KEY_ENCODING'
  | 'UNION_BEE_BAD_WHITEOUT'
  | 'UNION_BEE_CLOSED'
  | 'UNION_BEE_NOT_EMPTY'
  | 'UNION_BEE_NOT_FOUND'
  | 'UNION_BEE_NOT_WRITABLE'
  | 'UNION_BEE_NO_SOURCES'
  | 'UNION_BEE_OUT_OF_ORDER'
  | 'UNION_BEE_PARTIAL'
  | 'UNION_BEE_RESOLVER_FAILED'
  | 'UNION_BEE_SOURCE_FAILED'
  | 'UNION_BEE_SOURCE_TIMEOUT'
  | 'UNION_BEE_UNKNOWN_SOURCE'
  | 'UNION_BEE_UNSUPPORTED'

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class UnionBeeError extends Error {
  override readonly name = 'UnionBeeError'
  readonly code: UnionBeeErrorCode
  /** Name of the source it is about; `null` when it is about none. */
  readonly source: string | null

  constructor(
    code: UnionBeeErrorCode,
    message: string,
    { source = null, ...options }: { cause?: unknown; source?: string | null } = {}
  ) {
    super(`${code}: ${message}`, options)
    this.code = code
    this.source = source
  }
}
