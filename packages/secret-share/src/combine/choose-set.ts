import { equal } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { otherEpoch, otherSet } from '../verify-share.ts'
import { faultOf, inOrder, type Candidate } from './examine.ts'

/**
 * Decides which set is meant when shares of several were given, by one rule: the set with the most shares, if these
 * are enough for **every** set present. Fewer colluding friends than the true set needs never win by it while
 * one true share is there, whatever set of their own they sign, even with the dealer's key; at worst nobody does, and the caller has to say which set is meant. Then
 * all shares are named alike: who is in the minority may be the one who is true.
 *
 * Of one dealer's set only the newest epoch can win: the shares of those before were to be thrown away, however many are still about.
 *
 * @param candidates each with another number within its group
 * @throws SECRET_SHARE_AMBIGUOUS, or SECRET_SHARE_TOO_FEW when no set that can win is complete
 */
export function chooseSet(candidates: readonly Candidate[], faults: ShareFault[]): Candidate[] {
  const newest = newestEpochs(candidates)
  const groups = groupsOf(newest).sort((a, b) => size(b) - size(a))
  const [first = [], second = []] = groups
  const most = Math.max(...groupsOf(candidates).map(thresholdOf))
  const complete = groups.some((group) => size(group) >= thresholdOf(group))
  const one = groups.length === 1 && (!complete || size(first) >= most)
  if (one || (size(first) >= most && size(first) > size(second))) {
    for (const other of candidates) if (!first.includes(other)) faults.push(strangerFault(other, first))
    return first
  }
  if (candidates.length === 0) return []
  const message =
    'This share is whole, and of another set than some of the others. Which set is right cannot be told.'
  const all = candidates.map((candidate) => faultOf(candidate, 'SECRET_SHARE_AMBIGUOUS', message))
  throw undecided(complete, inOrder([...faults, ...all]))
}

function newestEpochs(candidates: readonly Candidate[]): Candidate[] {
  const newest = new Map<string, number>()
  const epochs = candidates.map(({ share }) => share.header.epoch)
  for (const [i, { line }] of candidates.entries()) {
    newest.set(line, Math.max(epochs[i] ?? 0, newest.get(line) ?? 0))
  }
  return candidates.filter(({ line }, i) => epochs[i] === newest.get(line))
}

function undecided(complete: boolean, faults: readonly ShareFault[]): SecretShareError {
  if (complete) {
    const words =
      'These shares are of different sets, and it cannot be told which is yours. Do not guess, not even for the larger part: say whose you want, by the sheet or by the fingerprint that is printed on recovery sheets.'
    return new SecretShareError('SECRET_SHARE_AMBIGUOUS', words, { faults })
  }
  const words = 'These shares are of different sets, and of none there are enough. Ask more friends.'
  return new SecretShareError('SECRET_SHARE_TOO_FEW', words, { faults })
}

function groupsOf(candidates: readonly Candidate[]): Candidate[][] {
  const names = new Set(candidates.map(({ group }) => group))
  return [...names].map((name) => candidates.filter(({ group }) => group === name))
}

function strangerFault(stranger: Candidate, [own]: readonly Candidate[]): ShareFault {
  if (own === undefined || !equal(stranger.share.header.dealer, own.share.header.dealer)) {
    const words = 'This share was made by someone else than the others.'
    return faultOf(stranger, 'SECRET_SHARE_OTHER_DEALER', words)
  }
  const sameSet = stranger.line === own.line
  const sameEpoch = stranger.share.header.epoch === own.share.header.epoch
  const { code, words } = sameSet && !sameEpoch ? otherEpoch() : otherSet()
  return faultOf(stranger, code, words)
}

/** Distinct numbers count, not shares. */
function size(group: readonly Candidate[]): number {
  return new Set(group.map(({ share }) => share.index)).size
}

function thresholdOf(group: readonly Candidate[]): number {
  return group[0]?.share.header.threshold ?? Infinity
}
