import { verifySignature } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { type DecodedEvent, SIGNER_CLASSES, type SignerClass } from '../format/event.ts'
import type { KeySet } from '../types.ts'
import type { Device, Draft } from './state.ts'
import { isVerified } from './verified.ts'

/** Which keys may sign an event, by class and place. A class or place that is left out may not. */
export type Signers = {
  readonly [C in SignerClass]?: readonly Uint8Array[] | ReadonlyMap<number, Uint8Array>
}

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
    const keys = signers[signer]
    const key = keys instanceof Map ? keys.get(index) : (keys as readonly Uint8Array[] | undefined)?.[index]
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
 * By whom an event is that an admin may make, too: enough of the present keys, or the one device that the event names, which must be an admin, neither revoked nor expired. The event
 * says which, and nobody else signs: else the same event with other signatures would be of other rights.
 *
 * @param writer - whose signature an admin needs besides its own; `null`: nobody's
 * @throws KEY_ROTATION_NOT_ENOUGH_SIGNATURES, KEY_ROTATION_NO_RIGHT, KEY_ROTATION_DEVICE_UNKNOWN, KEY_ROTATION_DEVICE_REVOKED, KEY_ROTATION_DEVICE_EXPIRED
 */
export function checkControlOrAdmin(draft: Draft, event: DecodedEvent, writer: Device | null = null): void {
  const { admin, time } = event
  if (admin === null) {
    demand(checkSignatures(event, { control: draft.control.keys }), 'control', draft.control)
    return
  }
  const device = draft.devices[admin]
  if (device === undefined)
    throw new KeyRotationError('KEY_ROTATION_DEVICE_UNKNOWN', 'a device acts as admin that was never added')
  if (device.revoked !== null)
    throw new KeyRotationError('KEY_ROTATION_DEVICE_REVOKED', `${device.name} acts as admin, and is revoked`)
  if (device.role !== 'admin')
    throw new KeyRotationError('KEY_ROTATION_NO_RIGHT', `${device.name} acts as admin, and is none`)
  if (device.expires !== null && time >= device.expires)
    throw new KeyRotationError('KEY_ROTATION_DEVICE_EXPIRED', `${device.name} acts as admin, and has expired`)
  const signers = [...new Set([device, writer ?? device])]
  const places = new Map(signers.map(({ index, key }) => [index, key]))
  demand(checkSignatures(event, { device: places }), 'device', { threshold: signers.length })
}
