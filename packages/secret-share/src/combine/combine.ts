import { equal, wipe } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import { shareValue } from '../format/share.ts'
import { openPayload } from '../payload.ts'
import type { SetHeader } from '../types.ts'
import { checkAgainst, type ShareInput } from '../verify-share.ts'
import { chooseSet } from './choose-set.ts'
import { examine, faultOf, inOrder, type Candidate } from './examine.ts'
import { findKey } from './find-key.ts'
import { checkCombine, isPinned, type CombineOptions } from './options.ts'
import { Recovered } from './recovered.ts'

/**
 * Brings the secret back, or says what is wrong with which share. Never gives a wrong secret: each share is signed, the key they make must be
 * the one the set commits to, all that follows from them must be what the dealer signed the hash of, and the payload opens under no other key.
 *
 * More shares than needed are welcome: bad ones among them are left out and named. Of one dealer's set the newest epoch counts. Who names neither sheet, dealer nor
 * fingerprint trusts that at least one of the shares is true, and that fewer holders collude than the set needs; then also a single
 * holder can stop it, with a share of a set of their own that needs many.
 *
 * Costs a signature a share and a key derivation a holder; a search where shares are forged with the dealer's own key: `findKey`.
 *
 * @param shares in any order; their positions are those of the faults
 * @throws SecretShareError with `faults`: SECRET_SHARE_TOO_FEW, SECRET_SHARE_AMBIGUOUS, SECRET_SHARE_INCONSISTENT,
 *   SECRET_SHARE_NO_PAYLOAD, SECRET_SHARE_BAD_PAYLOAD
 */
export function combine(shares: readonly ShareInput[], options: CombineOptions = {}): Recovered {
  checkCombine(shares, options)
  const faults: ShareFault[] = []
  const candidates = distinct(examine(shares, options, faults), faults)
  const set = chooseSet(candidates, isPinned(options), faults)
  const sheet = options.sheet ?? sheetOf(set, options.sheets ?? [])
  const chosen = sheet ? fitting(set, sheet, faults) : set
  const header = checkCount(chosen, faults)
  const payload = chosen[0]?.share.payload ?? sheet?.payload ?? options.payload
  if (payload === undefined) {
    const words =
      'The shares are good, but the locked file that they open is missing. Ask a holder for the set sheet.'
    throw new SecretShareError('SECRET_SHARE_NO_PAYLOAD', words, { faults: inOrder(faults) })
  }
  const { key, used } = findKey(chosen, payload, faults)
  const secret = openPayload(header, key, payload)
  wipe(key)
  if (secret !== null) return new Recovered(secret, header, used, inOrder(faults))
  const words = 'The shares are good, but what they open was not sealed with their key.'
  throw new SecretShareError('SECRET_SHARE_BAD_PAYLOAD', words, { faults: inOrder(faults) })
}

/** The sheet that these shares commit to, whoever it came from: their dealer has signed its hash. */
function sheetOf([first]: readonly Candidate[], sheets: readonly SetSheet[]): SetSheet | undefined {
  if (first === undefined) return undefined
  const { commitment } = first.share
  return sheets.find((sheet) => equal(sheet.commitment, commitment))
}

/** Leaves out, and names, what is not as it was dealt. */
function fitting(candidates: readonly Candidate[], sheet: SetSheet, faults: ShareFault[]): Candidate[] {
  return candidates.filter((candidate) => {
    try {
      checkAgainst(candidate.share, sheet)
      return true
    } catch (error) {
      if (!(error instanceof SecretShareError)) throw error
      faults.push(faultOf(candidate, error.code, error.words))
      return false
    }
  })
}

/** Leaves out, and names, what was given before. */
function distinct(candidates: readonly Candidate[], faults: ShareFault[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of candidates) {
    const { group, share } = candidate
    const before = kept.some(
      (other) =>
        other.group === group &&
        other.share.index === share.index &&
        equal(shareValue(other.share), shareValue(share))
    )
    if (!before) kept.push(candidate)
    else
      faults.push(
        faultOf(candidate, 'SECRET_SHARE_DUPLICATE', 'The same share was given twice: it counts once.')
      )
  }
  return kept
}

function checkCount(chosen: readonly Candidate[], faults: readonly ShareFault[]): SetHeader {
  const header = chosen[0]?.share.header
  const count = new Set(chosen.map(({ share }) => share.index)).size
  if (header && count >= header.threshold) return header
  const words = header
    ? `${header.threshold} good shares are needed, and there ${count === 1 ? 'is 1' : `are ${count}`}.`
    : 'None of these is a good share.'
  throw new SecretShareError('SECRET_SHARE_TOO_FEW', words, { faults: inOrder(faults) })
}
