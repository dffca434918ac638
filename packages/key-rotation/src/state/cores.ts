import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import { type Change, type DecodedEvent } from '../format/event.ts'
import type { CoreRoll } from '../types.ts'
import { isSameCutOff } from './devices.ts'
import { checkControlOrAdmin } from './signatures.ts'
import { addNames } from './key-sets.ts'
import { coresOf, deviceOf, type Draft, hex } from './state.ts'

export function rollCore(
  draft: Draft,
  event: DecodedEvent,
  { device: writer, rolls }: Extract<Change, { kind: 'rollCore' }>
): () => void {
  const names = new Set(rolls.map(({ name }) => name))
  if (rolls.length === 0 || names.size !== rolls.length || names.has(''))
    throw mismatch('it names no core, or one twice')
  const cores = rolls.map(({ core }) => core)
  if (new Set(cores.map(hex)).size !== cores.length || cores.some((core) => isTaken(draft, core))) {
    const message = 'a core that counted once, or a key of something else, would count again'
    throw new KeyRotationError('KEY_ROTATION_CORE_REUSED', message)
  }
  if (writer !== null) checkWriter(draft, writer, event.time)
  const byControl = checkControlOrAdmin(draft, event)
  for (const roll of rolls) checkPrevious(draft, roll, byControl)
  return () => {
    for (const { name, core, previous } of rolls) {
      const link = { core, device: writer, previous, seq: event.seq }
      draft.cores.set(name, [...(coresOf(draft, name) ?? []), link])
      if (previous !== null) draft.cutOffs.set(hex(previous.core), previous)
    }
    addNames(draft, cores)
  }
}

function isTaken({ named, cutOffs }: Draft, core: Uint8Array): boolean {
  return named.has(hex(core)) || cutOffs.has(hex(core))
}

function checkWriter(draft: Draft, key: Uint8Array, time: number): void {
  const device = deviceOf(draft, key)
  if (device === null)
    throw new KeyRotationError(
      'KEY_ROTATION_DEVICE_UNKNOWN',
      'a core would belong to a device that was never added'
    )
  if (device.revoked !== null)
    throw new KeyRotationError(
      'KEY_ROTATION_DEVICE_REVOKED',
      `a core would belong to ${device.name}, which is revoked`
    )
  if (device.expires !== null && time >= device.expires)
    throw new KeyRotationError(
      'KEY_ROTATION_DEVICE_EXPIRED',
      `a core would belong to ${device.name}, which has expired`
    )
  if (device.role === 'reader')
    throw new KeyRotationError(
      'KEY_ROTATION_NO_RIGHT',
      `a core would belong to ${device.name}, which only reads`
    )
}

function checkPrevious(draft: Draft, { name, previous }: CoreRoll, byControl: boolean): void {
  const last = coresOf(draft, name)?.at(-1) ?? null
  if (last === null || previous === null) {
    if (last !== null || previous !== null) throw mismatch(`${name} does not go on from the core that it has`)
    return
  }
  if (!b4a.equals(last.core, previous.core))
    throw mismatch(`${name} goes on from another core than the one it has`)
  const known = draft.cutOffs.get(hex(previous.core))
  if (known !== undefined && !isSameCutOff(known, previous))
    throw new KeyRotationError('KEY_ROTATION_BAD_CUT_OFF', `${name} ends elsewhere than where it was cut off`)
  const owner = last.device === null ? null : deviceOf(draft, last.device)
  const isAdmins = owner !== null && owner.role === 'admin' && owner.revoked === null
  if (isAdmins && !byControl)
    throw new KeyRotationError(
      'KEY_ROTATION_NO_RIGHT',
      `only the keys of the identity take ${name} from an admin`
    )
}

function mismatch(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message)
}
