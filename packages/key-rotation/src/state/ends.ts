import b4a from 'b4a'
import { EMPTY_TREE_HASH } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import type { CutOff } from '../types.ts'
import { ownLinks } from './links.ts'
import { type CoreLink, type Draft, hex, type IdentityState, linkOf } from './state.ts'

/**
 * Where each core of a name ends, oldest first; `null` for one that does not. A roll-over may end before the one before it: then nothing past it counts in the older cores
 * either, which have the same tree up to there.
 */
export function endsOfLineage(
  { cutOffs }: Pick<IdentityState, 'cutOffs'>,
  links: readonly CoreLink[]
): readonly (CutOff | null)[] {
  const ends: (CutOff | null)[] = []
  for (const { core } of [...links].reverse()) {
    const own = cutOffs.get(hex(core)) ?? null
    const next = ends.at(-1) ?? null
    const isLower = own !== null && next !== null && next.length < own.length
    ends.push(isLower ? { ...own, length: next.length, treeHash: next.treeHash } : own)
  }
  return ends.reverse()
}

/**
 * Whether an end says something new: of a core that has none, or one that an admin gave, where the identity's own keys say it again, or otherwise.
 *
 * @throws KEY_ROTATION_BAD_CUT_OFF for another one than a core has
 */
export function isNewEnd(draft: Draft, cutOff: CutOff, admin: number | null): boolean {
  if (isDropped(draft, cutOff.core)) return false
  const known = draft.cutOffs.get(hex(cutOff.core))
  if (known === undefined) return true
  const isOpen = admin === null && draft.adminEnds.has(hex(cutOff.core))
  if (isOpen || isSameCutOff(known, cutOff)) return isOpen
  throw new KeyRotationError('KEY_ROTATION_BAD_CUT_OFF', 'a core has an end already, and another one')
}

/** Gives a core its end. What had gone on from another one is dropped. */
export function setEnd(draft: Draft, cutOff: CutOff, admin: number | null): void {
  // By another end in the same event.
  if (isDropped(draft, cutOff.core)) return
  const core = hex(cutOff.core)
  const known = draft.cutOffs.get(core)
  draft.cutOffs.set(core, cutOff)
  if (admin === null) draft.adminEnds.delete(core)
  else draft.adminEnds.add(core)
  if (known !== undefined && !isSameCutOff(known, cutOff)) dropAfter(draft, cutOff.core)
}

/** Takes the cores after one out of its name. They stay named, and count nothing. */
export function dropAfter(draft: Draft, core: Uint8Array): void {
  const place = draft.places.get(hex(core))
  if (place === undefined) return
  for (const { core: dropped } of ownLinks(draft, place.name).splice(place.index + 1)) {
    draft.cutOffs.set(hex(dropped), { core: dropped, fork: 0, length: 0, treeHash: EMPTY_TREE_HASH })
    draft.adminEnds.delete(hex(dropped))
  }
}

/** All cores of a name end where they do, the identity's own keys say. */
export function confirmEnds({ adminEnds }: Draft, links: readonly CoreLink[]): void {
  for (let i = links.length - 1; i >= 0; i--) {
    const { core, by } = links[i] as CoreLink
    adminEnds.delete(hex(core))
    // They have said it of those before when they named this one.
    if (by === null) return
  }
}

/** Whether a core was named, and is one of its name's no more. */
export function isDropped(state: IdentityState, core: Uint8Array): boolean {
  return state.places.has(hex(core)) && linkOf(state, core) === null
}

/** Of ends that may be none. */
export function isSameEnd(a: CutOff | null, b: CutOff | null): boolean {
  return a === null || b === null ? a === b : isSameCutOff(a, b)
}

function isSameCutOff(a: CutOff, b: CutOff): boolean {
  return (
    b4a.equals(a.core, b.core) &&
    a.fork === b.fork &&
    a.length === b.length &&
    b4a.equals(a.treeHash, b.treeHash)
  )
}
