import b4a from 'b4a'
import { badArgument, isKey } from '../arguments.ts'
import { equal, wipe } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { SetSheet } from '../format/set-sheet.ts'
import { shareValue, type Share } from '../format/share.ts'
import { openPayload } from '../payload.ts'
import type { SetHeader } from '../types.ts'
import type { ShareInput } from '../verify-share.ts'
import { chooseSet } from './choose-set.ts'
import { examine, faultOf, type Candidate } from './examine.ts'
import { findKey } from './find-key.ts'
import { Recovered } from './recovered.ts'

/** Say as much as is known of the set that is wanted: without any of the first three, the shares decide among themselves. */
export interface CombineOptions {
  /** Its sheet: then every share is checked by itself, and the payload is at hand. */
  sheet?: SetSheet
  /** The Ed25519 key that signed the shares, 32 bytes. */
  dealer?: Uint8Array
  /** 16 bytes. */
  setId?: Uint8Array
  /** The sealed payload, where shares do not carry it: of secrets above 32 bytes. */
  payload?: Uint8Array
  /** Sheets of whomever: the one that the shares commit to gives its payload, and nothing else of them is believed. */
  sheets?: readonly SetSheet[]
}

/**
 * Brings the secret back, or says what is wrong with which share. Never gives a wrong secret: each share is signed, the key they make must be
 * the one the set commits to, and the payload opens under no other.
 *
 * More shares than needed are welcome: bad ones among them are left out and named. Who names neither sheet nor dealer
 * trusts that at least one of the shares is true, and that fewer holders collude than the set needs.
 *
 * @param shares in any order; their positions are those of the faults
 * @throws SecretShareError with `faults`: SECRET_SHARE_TOO_FEW, SECRET_SHARE_AMBIGUOUS, SECRET_SHARE_INCONSISTENT,
 *   SECRET_SHARE_NO_PAYLOAD, SECRET_SHARE_BAD_PAYLOAD
 */
export function combine(shares: readonly ShareInput[], options: CombineOptions = {}): Recovered {
  checkOptions(shares, options)
  const faults: ShareFault[] = []
  const candidates = distinct(examine(shares, options, faults), faults)
  const chosen = chooseSet(candidates, faults)
  const header = checkCount(chosen, faults)
  const payload = payloadOf(chosen[0]?.share, options)
  if (payload === undefined) {
    const words =
      'The shares are good, but the locked file that they open is missing. Ask a holder for the set sheet.'
    throw new SecretShareError('SECRET_SHARE_NO_PAYLOAD', words, { faults })
  }
  const { key, used } = findKey(chosen, faults)
  const secret = openPayload(header, key, payload)
  wipe(key)
  const sorted = faults.toSorted((a, b) => a.position - b.position)
  if (secret !== null) return new Recovered(secret, header, used, sorted)
  const words = 'The shares are good, but the locked file is damaged or is of another set.'
  throw new SecretShareError('SECRET_SHARE_BAD_PAYLOAD', words, { faults: sorted })
}

function payloadOf(share: Share | undefined, options: CombineOptions): Uint8Array | undefined {
  const { sheet, sheets = [], payload } = options
  const same = sheets.find(({ commitment }) => share && b4a.equals(commitment, share.commitment))
  return share?.payload ?? sheet?.payload ?? same?.payload ?? payload
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
  const sorted = faults.toSorted((a, b) => a.position - b.position)
  throw new SecretShareError('SECRET_SHARE_TOO_FEW', words, { faults: sorted })
}

function checkOptions(shares: readonly ShareInput[], options: CombineOptions): void {
  const { sheet, sheets, dealer, setId, payload } = options
  if (!Array.isArray(shares)) throw badArgument('shares must be a list')
  if (sheet !== undefined && !(sheet instanceof SetSheet)) throw badArgument('sheet must be a SetSheet')
  const areSheets =
    sheets === undefined || (Array.isArray(sheets) && sheets.every((one) => one instanceof SetSheet))
  if (!areSheets) throw badArgument('sheets must be a list of SetSheets')
  if (dealer !== undefined && !isKey(dealer, 32)) throw badArgument('dealer must be 32 bytes')
  if (setId !== undefined && !isKey(setId, 16)) throw badArgument('setId must be 16 bytes')
  if (payload !== undefined && !b4a.isBuffer(payload)) throw badArgument('payload must be bytes')
}
