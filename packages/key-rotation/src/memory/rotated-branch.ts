import { decodeEvent } from '../format/event.ts'
import type { Duplicity } from './identity-memory.ts'

/**
 * Which of two histories was made with the keys that both had committed to before they part: by a rotation, or by a recovery that reveals them. Those keys lie
 * elsewhere than the present ones, with which anybody who has stolen a device’s can write the other. For the person who is to `choose`.
 *
 * Nothing is chosen by it, since the same comes of a rotation on a device that had not heard of the newest events: docs/decisions/0015.
 *
 * @returns its place in `branches`; `null` when it is neither, or both, which only who has those keys can have made
 */
export function rotatedBranch({ seq, branches }: Duplicity): 0 | 1 | null {
  const [first, second] = branches.map((events) => events.slice(seq).some(isRevealing))
  if (first === second) return null
  return first ? 0 : 1
}

function isRevealing(bytes: Uint8Array): boolean {
  const { change } = decodeEvent(bytes)
  return change.kind === 'rotate' || (change.kind === 'announceRecovery' && change.revealed !== null)
}
