import { equal, wipe } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { shareValue, type Share } from '../format/share.ts'
import { isKeyOf } from '../payload.ts'
import { expectedValue, sharedKey } from '../sharing/shared-key.ts'
import { subsets } from '../sharing/subsets.ts'
import { faultOf, type Candidate } from './examine.ts'

/** Multiplications that a search may cost: a second or two in a browser. */
const WORK = 20_000_000

/**
 * The key that the set commits to, from shares that are all signed and of one set. Normally the first `threshold` shares give it. If not, their
 * dealer's key is in other hands: then subsets are tried, and whoever does not lie on the polynomials of the good one is named.
 *
 * @returns the key, which the caller wipes, and the numbers of the shares that gave it
 * @throws SECRET_SHARE_INCONSISTENT
 */
export function findKey(
  candidates: readonly Candidate[],
  faults: ShareFault[]
): { key: Uint8Array; used: number[] } {
  const header = candidates[0]?.share.header
  const threshold = header?.threshold ?? Infinity
  let work = WORK
  for (const some of subsets(candidates, threshold)) {
    work -= threshold * (threshold + 32)
    if (header === undefined || work < 0) break
    const shares = some.map(({ share }) => share)
    const used = shares.map(({ index }) => index)
    if (new Set(used).size < threshold) continue
    const key = sharedKey(shares)
    if (isKeyOf(header, key)) {
      nameOthers(candidates, shares, faults)
      return { key, used }
    }
    wipe(key)
  }
  const words = 'These shares are signed, and do not fit together: some are not those that were handed out.'
  const all = candidates.map((one) => faultOf(one, 'SECRET_SHARE_INCONSISTENT', words))
  throw new SecretShareError('SECRET_SHARE_INCONSISTENT', words, { faults: [...faults, ...all] })
}

function nameOthers(candidates: readonly Candidate[], good: readonly Share[], faults: ShareFault[]): void {
  for (const candidate of candidates) {
    if (good.includes(candidate.share)) continue
    const expected = expectedValue(good, candidate.share.index)
    if (!equal(expected, shareValue(candidate.share))) {
      const words = 'This share is signed, and does not fit the others.'
      faults.push(faultOf(candidate, 'SECRET_SHARE_INCONSISTENT', words))
    }
    wipe(expected)
  }
}
