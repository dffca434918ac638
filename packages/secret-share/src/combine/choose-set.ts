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
 * Shares that are not wanted for their label or epoch vote as all others do, and cannot win: colluders can copy either, and true shares may have another. One
 * that only a newer version reads may be of any set: then there is no choice.
 *
 * Of one dealer's set only the newest epoch can win, or the one that is wanted: the shares of those before were to be thrown away, however many are still about.
 *
 * @param candidates each with another number within its group
 * @param pinned whether the dealer is known: then what a newer version made is no vote
 * @throws SECRET_SHARE_AMBIGUOUS, or SECRET_SHARE_TOO_FEW when no set that can win is complete
 */
export function chooseSet(
  candidates: readonly Candidate[],
  pinned: boolean,
  faults: ShareFault[]
): Candidate[] {
  const groups = groupsOf(currentEpochs(candidates)).sort((a, b) => size(b) - size(a))
  const wanted = groups.filter(isWanted)
  const [own = []] = wanted
  const complete = wanted.some((group) => size(group) >= thresholdOf(group))
  const most = Math.max(...groupsOf(candidates).map(thresholdOf))
  const others = groups.filter((group) => group !== own)
  const wins = size(own) >= most && others.every((group) => size(own) > size(group))
  const unread = !pinned && faults.some(({ code }) => code === 'SECRET_SHARE_NEWER_FORMAT')
  const alone = wanted.length <= 1 && !complete
  if (alone || (wins && !unread)) {
    for (const other of candidates) if (!own.includes(other)) faults.push(strangerFault(other, own))
    return own
  }
  const message =
    'This share is whole, and of another set than some of the others. Which set is right cannot be told.'
  const all = candidates.map((candidate) => faultOf(candidate, 'SECRET_SHARE_AMBIGUOUS', message))
  throw undecided(complete, inOrder([...faults, ...all]))
}

/** Of each set the epoch that is wanted where any of its shares is of that, else the newest. */
function currentEpochs(candidates: readonly Candidate[]): Candidate[] {
  const current = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const other = current.get(candidate.line)
    if (other === undefined || isBefore(other, candidate)) current.set(candidate.line, candidate)
  }
  return candidates.filter(({ line, share }) => share.header.epoch === current.get(line)?.share.header.epoch)
}

function isBefore(one: Candidate, other: Candidate): boolean {
  if (isWanted([one]) !== isWanted([other])) return isWanted([other])
  return one.share.header.epoch < other.share.header.epoch
}

function isWanted([first]: readonly Candidate[]): boolean {
  return first?.unwanted === null
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
  if (stranger.unwanted !== null) return faultOf(stranger, stranger.unwanted.code, stranger.unwanted.words)
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
