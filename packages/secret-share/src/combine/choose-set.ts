import { equal } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { otherEpoch, otherSet } from '../verify-share.ts'
import { faultOf, inOrder, type Candidate } from './examine.ts'

/**
 * Of one dealer's set only the newest epoch counts: the shares of those before were to be thrown away, however many are still about. Whoever says
 * an epoch in the dealer's name has the dealer's key, so that none of the colluders below can.
 */
export function newestEpochs(candidates: readonly Candidate[], faults: ShareFault[]): Candidate[] {
  const newest = new Map<string, number>()
  const epochs = candidates.map(({ share }) => share.header.epoch)
  for (const [i, { line }] of candidates.entries()) {
    newest.set(line, Math.max(epochs[i] ?? 0, newest.get(line) ?? 0))
  }
  return candidates.filter((candidate, i) => {
    if (epochs[i] === newest.get(candidate.line)) return true
    const { code, words } = otherEpoch()
    faults.push(faultOf(candidate, code, words))
    return false
  })
}

/**
 * Decides which set is meant when shares of several were given, by one rule: the set with the most shares, if these
 * are enough for **every** set present. Fewer colluding friends than the true set needs never win by it while
 * one true share is there, whatever set of their own they sign; at worst nobody does, and the caller has to say which set is meant. Then all shares are
 * named alike: who is in the minority may be the one who is true.
 *
 * @param candidates each with another number within its group
 * @throws SECRET_SHARE_AMBIGUOUS, or SECRET_SHARE_TOO_FEW when no set is complete
 */
export function chooseSet(candidates: readonly Candidate[], faults: ShareFault[]): Candidate[] {
  const groups = groupsOf(candidates).sort((a, b) => size(b) - size(a))
  const [first = [], second = []] = groups
  if (groups.length < 2) return first
  const enough = groups.every((group) => size(first) >= thresholdOf(group))
  if (enough && size(first) > size(second)) {
    for (const other of groups.slice(1).flat()) faults.push(strangerFault(other, first))
    return first
  }
  const message =
    'This share is whole, and of another set than some of the others. Which set is right cannot be told.'
  const all = candidates.map((one) => faultOf(one, 'SECRET_SHARE_AMBIGUOUS', message))
  throw undecided(groups, inOrder([...faults, ...all]))
}

function undecided(
  groups: readonly (readonly Candidate[])[],
  faults: readonly ShareFault[]
): SecretShareError {
  const complete = groups.some((group) => size(group) >= thresholdOf(group))
  if (complete) {
    const words =
      'These shares are of different sets, and it cannot be told which is yours. Do not guess, not even for the larger part: say whose you want, by the sheet or by the fingerprint that is printed on recovery sheets.'
    return new SecretShareError('SECRET_SHARE_AMBIGUOUS', words, { faults })
  }
  const words = `These shares are of ${groups.length} different sets, and of none there are enough. Ask more friends.`
  return new SecretShareError('SECRET_SHARE_TOO_FEW', words, { faults })
}

function groupsOf(candidates: readonly Candidate[]): Candidate[][] {
  const names = new Set(candidates.map(({ group }) => group))
  return [...names].map((name) => candidates.filter(({ group }) => group === name))
}

function strangerFault(stranger: Candidate, group: readonly Candidate[]): ShareFault {
  const header = group[0]?.share.header
  if (header !== undefined && equal(stranger.share.header.dealer, header.dealer)) {
    const { code, words } = otherSet()
    return faultOf(stranger, code, words)
  }
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
