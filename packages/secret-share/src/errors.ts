/** Every way this package fails on purpose. Codes are public API: never reuse or rename one. */
export type SecretShareErrorCode =
  | 'SECRET_SHARE_AMBIGUOUS'
  | 'SECRET_SHARE_BAD_ARGUMENT'
  | 'SECRET_SHARE_BAD_HOLDERS'
  | 'SECRET_SHARE_BAD_LABEL'
  | 'SECRET_SHARE_BAD_PAYLOAD'
  | 'SECRET_SHARE_BAD_SECRET'
  | 'SECRET_SHARE_BAD_TEXT'
  | 'SECRET_SHARE_BAD_THRESHOLD'
  | 'SECRET_SHARE_CODE_MISMATCH'
  | 'SECRET_SHARE_DAMAGED'
  | 'SECRET_SHARE_DRILL_FAILED'
  | 'SECRET_SHARE_DUPLICATE'
  | 'SECRET_SHARE_DUPLICATE_HOLDER'
  | 'SECRET_SHARE_EPOCHS_USED_UP'
  | 'SECRET_SHARE_FORGED'
  | 'SECRET_SHARE_INCONSISTENT'
  | 'SECRET_SHARE_NEWER_FORMAT'
  | 'SECRET_SHARE_NOT_A_SHARE'
  | 'SECRET_SHARE_NOT_CONNECTED'
  | 'SECRET_SHARE_NOT_FOR_YOU'
  | 'SECRET_SHARE_NO_PAYLOAD'
  | 'SECRET_SHARE_NO_RANDOMNESS'
  | 'SECRET_SHARE_OTHER_DEALER'
  | 'SECRET_SHARE_OTHER_EPOCH'
  | 'SECRET_SHARE_OTHER_LABEL'
  | 'SECRET_SHARE_OTHER_SET'
  | 'SECRET_SHARE_OUT_OF_TURN'
  | 'SECRET_SHARE_PAPER'
  | 'SECRET_SHARE_PAPER_WRONG_SECRET'
  | 'SECRET_SHARE_REFUSED'
  | 'SECRET_SHARE_TOO_FEW'
  | 'SECRET_SHARE_TOO_LARGE'

/** What is wrong with one of the shares that were given. Never holds bytes of a share. */
export interface ShareFault {
  /** Where it stood in the list that was given, from 0. */
  readonly position: number
  /** The number of the share as it says itself, from 1; `null` when it cannot be read. */
  readonly index: number | null
  readonly code: SecretShareErrorCode
  /** For people, without jargon. */
  readonly message: string
}

export interface SecretShareErrorOptions {
  cause?: unknown
  /** @defaultValue none */
  faults?: readonly ShareFault[]
}

/** The only error class this package throws. Match on `code`; `instanceof` fails across realms and copies. */
export class SecretShareError extends Error {
  override readonly name = 'SecretShareError'
  readonly code: SecretShareErrorCode
  /** The words without the code, fit to be shown. */
  readonly words: string
  /** Each share that was no good, in the order given. */
  readonly faults: readonly ShareFault[]

  constructor(code: SecretShareErrorCode, words: string, options: SecretShareErrorOptions = {}) {
    super(`${code}: ${words}`, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.words = words
    this.faults = options.faults ?? []
  }
}
