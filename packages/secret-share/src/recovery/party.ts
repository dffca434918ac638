import { SecretShareError } from '../errors.ts'
import type { ShortCode } from './code.ts'

/**
 * Either side of a meeting, as a channel sees it. A message that came before is answered as before: after a channel was cut, the new device's `hello()` over the
 * next one brings both to where they were.
 */
export interface Party {
  /** What this side's person reads to the other person; `null` before it is time. */
  readonly code: ShortCode | null
  /** Takes a message of the other's; returns what to send back, if anything. @throws SecretShareError */
  receive(message: Uint8Array): Uint8Array | null
}

/** A message that does not come next. */
export function outOfTurn(): SecretShareError {
  const words = 'The other side sent something that does not come now, or began anew. Begin again.'
  return new SecretShareError('SECRET_SHARE_OUT_OF_TURN', words)
}
