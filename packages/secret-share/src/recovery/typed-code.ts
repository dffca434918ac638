import { SecretShareError } from '../errors.ts'
import { damaged, type WireReader } from '../format/wire.ts'
import { isCode, isNothing, type ShortCode } from './code.ts'

/** A code is typed, so it may be mistyped: so often. */
const TRIES = 3
/** Beside the tries that are left, in one byte. */
const RIGHT = 0x80

/** How far the typing is. */
export interface Tries {
  readonly left: number
  readonly right: boolean
}

/** What one side expects its person to type, having heard it from the other person. */
export class TypedCode implements Tries {
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

  /** An empty field costs no try. @throws SECRET_SHARE_CODE_MISMATCH */
  take(code: ShortCode, typed: string): void {
    if (this.#left > 0 && isCode(code, typed)) {
      this.#right = true
      return
    }
    if (!this.#right && this.#left > 0 && !isNothing(typed)) this.#left--
    throw new SecretShareError(
      'SECRET_SHARE_CODE_MISMATCH',
      'This is not the code. If the other person really sees another one, someone is in between: stop here.'
    )
  }
}

/** Whether nothing was typed yet. */
export function isUntouched({ left, right }: Tries): boolean {
  return left === TRIES && !right
}

/** One byte. */
export function writeTries({ left, right }: Tries): Uint8Array {
  return Uint8Array.of(left + (right ? RIGHT : 0))
}

/** @throws SECRET_SHARE_DAMAGED */
export function readTries(reader: WireReader): Tries {
  const byte = reader.uint(1)
  const tries = { left: byte % RIGHT, right: byte >= RIGHT }
  if (tries.left > TRIES || (tries.right && tries.left === 0)) throw damaged()
  return tries
}
