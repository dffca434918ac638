import { SecretShareError } from '../errors.ts'
import type { ShortCode } from './code.ts'

/** Either side of a meeting, as a channel sees it. */
export interface Party {
  /** What the two people compare, or `null` before there is one. */
  readonly code: ShortCode | null
  /** Takes a message of the other's; returns what to send back, if anything. @throws SecretShareError */
  receive(message: Uint8Array): Uint8Array | null
}

/** A message that does not come next. */
export function outOfTurn(): SecretShareError {
  const words = 'The other side sent something that does not come now. Begin again.'
  return new SecretShareError('SECRET_SHARE_OUT_OF_TURN', words)
}
