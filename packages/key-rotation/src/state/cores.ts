import { KeyRotationError } from '../errors.ts'
import { type Change, type DecodedEvent } from '../format/event.ts'
import type { CoreRoll } from '../types.ts'
import { confirmEnds, dropAfter, isNewEnd, setEnd } from './ends.ts'
import { addLink, ownLinks } from './links.ts'
import { checkControlOrAdmin } from './signatures.ts'
import { type Device, deviceOf, type Draft, hex, linkOf } from './state.ts'

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
  const device = writer === null ? null : checkWriter(draft, writer, event.time)
  checkControlOrAdmin(draft, event, device)
  const { seq, admin } = event
  // Or it could name one that goes on to count when it has been revoked itself.
  if (admin !== null && device === null)
    throw new KeyRotationError('KEY_ROTATION_NO_RIGHT', 'an admin names cores of devices that sign, too')
  const fresh = rolls.filter((roll) => checkPrevious(draft, roll, admin))
  return () => {
    for (const roll of rolls) {
      const { name, core, previous } = roll
      if (previous !== null && fresh.includes(roll)) setEnd(draft, previous, admin)
      if (previous !== null) dropAfter(draft, previous.core)
      if (admin === null) confirmEnds(draft, ownLinks(draft, name))
      addLink(draft, name, { core, device: writer, previous, seq, by: admin })
    }
  }
}

function isTaken({ places, cutOffs }: Draft, core: Uint8Array): boolean {
  return places.has(hex(core)) || cutOffs.has(hex(core))
}

function checkWriter(draft: Draft, key: Uint8Array, time: number): Device {
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
  return device
}

/** @returns whether it gives the core before an end that says something new */
function checkPrevious(draft: Draft, { name, previous }: CoreRoll, admin: number | null): boolean {
  const links = draft.cores.get(name) ?? null
  if (links === null || previous === null) {
    if (links !== null || previous !== null)
      throw mismatch(`${name} does not go on from the core that it has`)
    return false
  }
  const place = draft.places.get(hex(previous.core))
  const before = place?.name === name ? linkOf(draft, previous.core) : null
  // The identity's keys may take a name back from whoever admins have handed it on to.
  const mayGoOn = links.slice((place?.index ?? 0) + 1).every(({ by }) => by !== null && admin === null)
  if (before === null || !mayGoOn) throw mismatch(`${name} goes on from another core than the one it has`)
  const owner = before.device === null ? null : deviceOf(draft, before.device)
  const isOpen = owner !== null && (owner.role !== 'admin' || owner.revoked !== null)
  if (!isOpen && admin !== null)
    throw new KeyRotationError(
      'KEY_ROTATION_NO_RIGHT',
      `only the keys of the identity take ${name} from an admin, or from themselves`
    )
  return isNewEnd(draft, previous, admin)
}

function mismatch(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message)
}
