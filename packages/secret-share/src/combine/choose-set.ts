import b4a from 'b4a'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { otherEpoch, otherSet } from '../verify-share.ts'
import { faultOf, type Candidate } from './examine.ts'

/**
 * Decides which set is meant when shares of several were given, by one rule: the set with the most shares, if these
 * are enough for **every** set present. Fewer colluding friends than the true set needs never win by it while
 * one true share is there, whatever set of their own they sign; at worst nobody does, and the caller has to say which set is meant.
 *
 * @param candidates each with another number within its group
 * @throws SECRET_SHARE_AMBIGUOUS
 */
export function chooseSet(candidates: readonly Candidate[], faults: ShareFault[]): Candidate[] {
  const groups = groupsOf(candidates).sort((a, b) => size(b) - size(a))
  const [first = [], second = []] = groups
  if (groups.length < 2) return first
  if (size(first) === size(second)) {
    const message = 'It cannot be told which of these shares are the right ones.'
    const all = candidates.map((one) => faultOf(one, 'SECRET_SHARE_AMBIGUOUS', message))
    throw ambiguous([...faults, ...all])
  }
  for (const other of groups.slice(1).flat()) faults.push(strangerFault(other, first))
  const complete = size(first) >= thresholdOf(first)
  if (complete && groups.some((group) => thresholdOf(group) > size(first))) throw ambiguous(faults)
  return first
}

function groupsOf(candidates: readonly Candidate[]): Candidate[][] {
  const names = new Set(candidates.map(({ group }) => group))
  return [...names].map((name) => candidates.filter(({ group }) => group === name))
}

function strangerFault(stranger: Candidate, group: readonly Candidate[]): ShareFault {
  const header = group[0]?.share.header
  const own = stranger.share.header
  const sameDealer = header !== undefined && b4a.equals(own.dealer, header.dealer)
  const sameSet = sameDealer && b4a.equals(own.setId, header.setId)
  if (sameSet) {
    const { code, words } = own.epoch === header.epoch ? otherSet() : otherEpoch()
    return faultOf(stranger, code, words)
  }
  if (sameDealer) return faultOf(stranger, 'SECRET_SHARE_OTHER_SET', otherSet().words)
  const words = 'This share was made by someone else than the others.'
  return faultOf(stranger, 'SECRET_SHARE_OTHER_DEALER', words)
}

/** Distinct numbers count, not shares. */
function size(group: readonly Candidate[]): number {
  return new Set(group.map(({ share }) => share.index)).size
}

function thresholdOf(group: readonly Candidate[]): number {
  return group[0]?.share.header.threshold ?? Infinity
}

function ambiguous(faults: readonly ShareFault[]): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_AMBIGUOUS',
    'These shares are of different sets, and nothing tells which set is yours. Leave out those you doubt, or say whose you want.',
    { faults: faults.toSorted((a, b) => a.position - b.position) }
  )
}
