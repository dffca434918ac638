import b4a from 'b4a'
import { verifySignature } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { type Change, type DecodedEvent, encodeTerms } from '../format/event.ts'
import type { CutOff } from '../types.ts'
import { isDropped, isNewEnd, setEnd } from './ends.ts'
import { addNames, checkUnnamed, checkUnreserved } from './key-sets.ts'
import { checkControlOrAdmin } from './signatures.ts'
import { type Device, deviceOf, type Draft, hex, linkOf } from './state.ts'
import { isVerified } from './verified.ts'

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>

export function addDevice(
  draft: Draft,
  event: DecodedEvent,
  { key, role, expires, name, possession }: Of<'addDevice'>
): () => void {
  checkUnnamed(draft, [key])
  checkUnreserved(draft, [key])
  if (expires !== 0 && expires <= event.time)
    throw new KeyRotationError('KEY_ROTATION_BAD_TIME', `${name} would have expired before it was added`)
  checkControlOrAdmin(draft, event)
  // What an admin may, it may not pass on.
  if (event.admin !== null && role === 'admin')
    throw new KeyRotationError('KEY_ROTATION_NO_RIGHT', 'only the keys of the identity make admins')
  const terms = encodeTerms({ identity: draft.identity, key, role, expires, name })
  if (!isVerified(event) && !verifySignature('possession', terms, possession, key))
    throw new KeyRotationError('KEY_ROTATION_BAD_POSSESSION', `${name} did not agree to be let in so`)
  return () => {
    const device: Device = {
      index: draft.devices.length,
      key,
      role,
      expires: expires === 0 ? null : expires,
      name,
      added: { seq: event.seq, time: event.time, by: event.admin },
      revoked: null
    }
    draft.devices.push(device)
    draft.deviceIndex.set(hex(key), device.index)
    addNames(draft, [key])
  }
}

export function revokeDevice(
  draft: Draft,
  event: DecodedEvent,
  { device: key, reason, cutOffs }: Of<'revokeDevice'>
): () => void {
  const device = deviceOf(draft, key)
  if (device === null)
    throw new KeyRotationError('KEY_ROTATION_DEVICE_UNKNOWN', 'the device to revoke was never added')
  const { admin } = event
  checkControlOrAdmin(draft, event)
  // An admin may give itself up, and no other admin.
  if (admin !== null && device.role === 'admin' && admin !== device.index)
    throw new KeyRotationError('KEY_ROTATION_NO_RIGHT', 'only the keys of the identity revoke admins')
  const fresh = newEnds(draft, device, cutOffs, admin)
  const { revoked } = device
  // A device may have more cores than an event has room for, and some that were found later.
  if (revoked !== null && fresh.length === 0)
    throw new KeyRotationError('KEY_ROTATION_DEVICE_REVOKED', `${device.name} is revoked already`)
  return () => {
    const ends = revoked === null ? cutOffs : [...revoked.cutOffs, ...fresh]
    draft.devices[device.index] = {
      ...device,
      revoked: {
        ...(revoked ?? { seq: event.seq, time: event.time, by: admin, reason }),
        cutOffs: ends
      }
    }
    for (const cutOff of fresh) setEnd(draft, cutOff, admin)
  }
}

/**
 * Those that say something new. Each is of a core of this device's; or, by the identity's keys, of one that nobody has named, or whose end an admin gave, whoever writes
 * it. Of one that was dropped nothing can be said.
 */
function newEnds(
  draft: Draft,
  device: Device,
  cutOffs: readonly CutOff[],
  admin: number | null
): readonly CutOff[] {
  if (new Set(cutOffs.map(({ core }) => hex(core))).size !== cutOffs.length)
    throw badCutOff('a core has two ends')
  return cutOffs.filter((cutOff) => {
    if (isDropped(draft, cutOff.core)) return false
    const link = linkOf(draft, cutOff.core)
    const isOpen = link === null || draft.adminEnds.has(hex(cutOff.core))
    const isOwn = link?.device != null && b4a.equals(link.device, device.key)
    if (!isOwn && !(isOpen && admin === null)) throw badCutOff('the core of somebody else would be cut off')
    return isNewEnd(draft, cutOff, admin)
  })
}

function badCutOff(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_BAD_CUT_OFF', message)
}
