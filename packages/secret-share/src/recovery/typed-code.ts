import { SecretShareError } from '../errors.ts'
import { isCode, type ShortCode } from './code.ts'

/** A code is typed, so it may be mistyped: so often. */
const TRIES = 3

/** What one side expects its person to type, having heard it from the other person. */
export class TypedCode {
  #left: number
  #right: boolean

  constructor(left: number = TRIES, right = false) {
    this.#left = left
    this.#right = right
  }

  /** How many tries are left: after the third wrong one none, for good. */
  get left(): number {
    return this.#left
  }

  /** Whether it was typed as it should. */
  get right(): boolean {
    return this.#right
  }

  /** @throws SECRET_SHARE_CODE_MISMATCH */
  take(code: ShortCode, typed: string): void {
    if (this.#left > 0 && isCode(code, typed)) {
      this.#right = true
      return
    }
    if (!this.#right && this.#left > 0) this.#left--
    throw new SecretShareError(
      'SECRET_SHARE_CODE_MISMATCH',
      'This is not the code. If the other person really sees another one, someone is in between: stop here.'
    )
  }
}
