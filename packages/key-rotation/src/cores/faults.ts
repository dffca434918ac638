import { KeyRotationError } from '../errors.ts'

export function mismatch(message: string, cause?: unknown): KeyRotationError {
  const options = cause === undefined ? {} : { cause }
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message, options)
}

export function isMismatch(error: unknown): boolean {
  return error instanceof KeyRotationError && error.code === 'KEY_ROTATION_CORE_MISMATCH'
}

export function closed(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CLOSED', message)
}

export function notAvailable(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_NOT_AVAILABLE', message)
}
