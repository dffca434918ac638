import b4a from 'b4a'
import { verifySignature } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { type Change, type DecodedEvent, encodeTerms } from '../format/event.ts'
import type { CutOff } from '../types.ts'
import { addNames, checkUnnamed } from './key-sets.ts'
import { checkControlOrAdmin } from './signatures.ts'
import { type Device, deviceOf, type Draft, hex } from './state.ts'
import { isVerified } from './verified.ts'

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>

export function addDevice(
  draft: Draft,
  event: DecodedEvent,
  { key, role, expires, name, possession }: Of<'addDevice'>
): () => void {
  checkUnnamed(draft, [key])
  if (expires !== 0 && expires <= event.time)
    throw new KeyRotationError('KEY_ROTATION_BAD_TIME', `${name} would have expired before it was added`)
  const byControl = checkControlOrAdmin(draft, event)
  // What an admin may, it may not pass on.
  if (!byControl && role === 'admin')
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
      added: { seq: event.seq, time: event.time },
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
  if (device.revoked !== null)
    throw new KeyRotationError('KEY_ROTATION_DEVICE_REVOKED', `${device.name} is revoked already`)
  const byControl = checkControlOrAdmin(draft, event)
  const own = event.signatures.every(({ signer, index }) => signer === 'device' && index === device.index)
  // An admin may give itself up, and no other admin.
  if (!byControl && device.role === 'admin' && !own)
    throw new KeyRotationError('KEY_ROTATION_NO_RIGHT', 'only the keys of the identity revoke admins')
  checkCutOffs(draft, device, cutOffs)
  return () => {
    const revoked = { seq: event.seq, time: event.time, reason, cutOffs }
    draft.devices[device.index] = { ...device, revoked }
    for (const cutOff of cutOffs) draft.cutOffs.set(hex(cutOff.core), cutOff)
  }
}

/** Each of its cores must end somewhere, and only once; nobody else's may. */
function checkCutOffs(draft: Draft, device: Device, cutOffs: readonly CutOff[]): void {
  const ends = new Map(cutOffs.map((cutOff) => [hex(cutOff.core), cutOff]))
  if (ends.size !== cutOffs.length) throw badCutOff('a core has two ends')
  for (const [core, cutOff] of ends) {
    const known = draft.cutOffs.get(core)
    if (known !== undefined && !isSameCutOff(known, cutOff))
      throw badCutOff('a core has an end already, and another one')
  }
  for (const links of draft.cores.values()) {
    for (const { core, device: writer } of links) {
      const isOwn = writer !== null && b4a.equals(writer, device.key)
      const isNamed = ends.has(hex(core))
      if (isNamed && !isOwn) throw badCutOff('the core of somebody else would be cut off')
      if (isOwn && !isNamed && !draft.cutOffs.has(hex(core)))
        throw badCutOff(`a core of ${device.name} has no end`)
    }
  }
}

export function isSameCutOff(a: CutOff, b: CutOff): boolean {
  return (
    b4a.equals(a.core, b.core) &&
    a.fork === b.fork &&
    a.length === b.length &&
    b4a.equals(a.treeHash, b.treeHash)
  )
}

function badCutOff(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_BAD_CUT_OFF', message)
}
