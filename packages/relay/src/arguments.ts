import { RelayError } from './errors.ts'
import { KEY_BYTES } from './keys.ts'

/** @throws RelayError `RELAY_BAD_ARGUMENT` unless it is 32 bytes */
export function checkKey(key: unknown, what: string): asserts key is Uint8Array {
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return
  throw new RelayError('RELAY_BAD_ARGUMENT', `${what} must be a key of ${KEY_BYTES} bytes`)
}

/** @throws RelayError `RELAY_BAD_ARGUMENT` unless it is a whole number between the bounds */
export function checkWhole(
  value: number,
  what: string,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER
): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new RelayError('RELAY_BAD_ARGUMENT', `${what} must be a whole number from ${min} to ${max}`)
}

/** @throws RelayError `RELAY_BAD_ARGUMENT` unless it is between 0 and 1 */
export function checkFraction(value: number, what: string): void {
  if (value >= 0 && value <= 1) return
  throw new RelayError('RELAY_BAD_ARGUMENT', `${what} must be between 0 and 1`)
}

/** @throws RelayError `RELAY_BAD_ARGUMENT` unless it is a list */
export function checkList(list: unknown, what: string): asserts list is readonly unknown[] {
  if (!Array.isArray(list)) throw new RelayError('RELAY_BAD_ARGUMENT', `${what} must be a list`)
}

/** @throws RelayError `RELAY_BAD_ARGUMENT` unless it is bytes, what gives them, or nothing; what is in them the relay judges */
export function checkGrant(grant: unknown): void {
  if (grant === undefined || typeof grant === 'function' || grant instanceof Uint8Array) return
  throw new RelayError('RELAY_BAD_ARGUMENT', 'a grant is the bytes that createGrant gave')
}
