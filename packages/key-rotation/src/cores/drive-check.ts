import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import type { Resolved } from '../resolve.ts'
import type { CoreLink } from '../state/state.ts'
import { mismatch, notAvailable } from './faults.ts'
import { isLinked } from './roll.ts'
import { treeHashAt } from './sessions.ts'
import type { RolledCore } from './types.ts'

/**
 * Whether a drive's two cores may be shown at all.
 *
 * @throws KEY_ROTATION_CORE_MISMATCH when they do not belong together, KEY_ROTATION_DEVICE_REVOKED when nobody has said where they end
 */
export function checkPair(files: Resolved, blobs: Resolved, name: string): void {
  // A stolen admin that takes over what is in the files would show its own under the right names.
  if (linkOf(files).seq !== linkOf(blobs).seq) throw mismatch(`the two cores of ${name} are not of one event`)
  if (files.isHeld || blobs.isHeld || (files.end === null) !== (blobs.end === null)) {
    const message = `who wrote ${name} is revoked, and nobody has said where both of its cores end`
    throw new KeyRotationError('KEY_ROTATION_DEVICE_REVOKED', message)
  }
}

/**
 * Whether a core is the one that the identity meant: from where the one before ends, to where it ends itself.
 *
 * @param wait - whether peers are asked for what is missing
 * @throws KEY_ROTATION_CORE_MISMATCH, and KEY_ROTATION_NOT_AVAILABLE while that cannot be told
 */
export async function checkCore(core: RolledCore, resolved: Resolved, wait: boolean): Promise<void> {
  const { end } = resolved
  const isShort = (): boolean => core.length < (end?.length ?? 0)
  const link = linkOf(resolved)
  if (wait && (isShort() || isLinked(core, link) === null)) await core.update({ wait: true })
  const isNext = isLinked(core, link)
  if (isNext === false) throw mismatch('the drive does not go on from the one before')
  if (isNext === null || isShort()) throw tooLittle()
  if (end === null) return
  const found = await treeHashAt(core, end.length, { wait })
  if (found === null) throw tooLittle()
  if (!b4a.equals(found, end.treeHash)) throw mismatch('the drive is not the one that was ended')
}

function linkOf({ lineage }: Resolved): CoreLink {
  return lineage.at(-1) as CoreLink
}

function tooLittle(): KeyRotationError {
  return notAvailable('too little of the drive is here, or at a peer, to tell whether it is the right one')
}
