import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import { type Device, deviceOf, type IdentityState } from '../state/state.ts'

/** The device with a key, or why it is not let in. */
export function deviceOrFault(state: IdentityState, key: Uint8Array, now: number): Device | KeyRotationError {
  const device = deviceOf(state, key)
  if (device === null) return refusal('KEY_ROTATION_DEVICE_UNKNOWN', 'it was never added')
  const { name, revoked, expires } = device
  if (revoked !== null) return refusal('KEY_ROTATION_DEVICE_REVOKED', `${name} is revoked`)
  if (expires === null || now < expires) return device
  return refusal('KEY_ROTATION_DEVICE_EXPIRED', `${name} has expired`)
}

/** Whether an error is about what the other side sent, and not this device's own: its store, its clock. */
export function isTheirs(error: unknown): error is KeyRotationError {
  return error instanceof KeyRotationError && error.code !== 'KEY_ROTATION_BAD_ARGUMENT'
}

export function refusal(code: KeyRotationErrorCode, message: string): KeyRotationError {
  return new KeyRotationError(code, message)
}

export function closed(message: string): KeyRotationError {
  return refusal('KEY_ROTATION_CLOSED', message)
}
