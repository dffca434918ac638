import { verifySignature } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { type DecodedEvent, SIGNER_CLASSES, type SignerClass } from '../format/event.ts'
import type { KeySet } from '../types.ts'
import type { Draft } from './state.ts'
import { isVerified } from './verified.ts'

/** Which keys may sign an event, by class. A class that is left out may not. */
export type Signers = { readonly [C in SignerClass]?: readonly Uint8Array[] }

/**
 * Checks every signature of an event: each by another key, each of a class that may sign, each right. How many there are of a class says
 * the result.
 *
 * @throws KEY_ROTATION_NOT_CANONICAL, KEY_ROTATION_UNEXPECTED_SIGNER, KEY_ROTATION_BAD_SIGNATURE
 */
export function checkSignatures(event: DecodedEvent, signers: Signers): ReadonlyMap<SignerClass, number> {
  const counts = new Map<SignerClass, number>()
  let before = -1
  for (const { signer, index, signature } of event.signatures) {
    const place = SIGNER_CLASSES.indexOf(signer) * 2 ** 32 + index
    // In order, none twice: a threshold counts keys, not signatures (GHSA-r7vq-6425-j94w).
    if (place <= before)
      throw new KeyRotationError(
        'KEY_ROTATION_NOT_CANONICAL',
        'signatures are out of order, or one key signed twice'
      )
    before = place
    const key = signers[signer]?.[index]
    if (key === undefined) {
      const message = `number ${index} of the ${signer} keys does not sign such an event`
      throw new KeyRotationError('KEY_ROTATION_UNEXPECTED_SIGNER', message)
    }
    if (!isVerified(event) && !verifySignature('signature', event.hash, signature, key)) {
      const message = `the signature of number ${index} of the ${signer} keys is not right`
      throw new KeyRotationError('KEY_ROTATION_BAD_SIGNATURE', message)
    }
    counts.set(signer, (counts.get(signer) ?? 0) + 1)
  }
  return counts
}

/** @throws KEY_ROTATION_NOT_ENOUGH_SIGNATURES */
export function demand(
  counts: ReadonlyMap<SignerClass, number>,
  signer: SignerClass,
  { threshold }: Pick<KeySet, 'threshold'>
): void {
  const count = counts.get(signer) ?? 0
  if (count >= threshold) return
  const message = `${threshold} of the ${signer} keys must sign, and ${count} did`
  throw new KeyRotationError('KEY_ROTATION_NOT_ENOUGH_SIGNATURES', message)
}

/**
 * Either enough of the present keys, or one administrating device that is neither revoked nor expired.
 *
 * @returns whether it was the present keys
 * @throws KEY_ROTATION_NOT_ENOUGH_SIGNATURES, KEY_ROTATION_NO_RIGHT, KEY_ROTATION_DEVICE_REVOKED, KEY_ROTATION_DEVICE_EXPIRED
 */
export function checkControlOrAdmin(draft: Draft, event: DecodedEvent): boolean {
  const counts = checkSignatures(event, {
    control: draft.control.keys,
    device: draft.devices.map(({ key }) => key)
  })
  if ((counts.get('control') ?? 0) >= draft.control.threshold) return true
  const signed = event.signatures.filter(({ signer }) => signer === 'device')
  for (const { index } of signed) {
    const device = draft.devices[index]
    if (device === undefined) continue
    if (device.revoked !== null)
      throw new KeyRotationError('KEY_ROTATION_DEVICE_REVOKED', `${device.name} signed, and is revoked`)
    if (device.role !== 'admin')
      throw new KeyRotationError('KEY_ROTATION_NO_RIGHT', `${device.name} signed, and is no admin`)
    if (device.expires !== null && event.time >= device.expires)
      throw new KeyRotationError('KEY_ROTATION_DEVICE_EXPIRED', `${device.name} signed, and has expired`)
  }
  if (signed.length === 0) demand(counts, 'control', draft.control)
  return false
}
