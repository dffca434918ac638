import { equal, systemRandom, take, wipe } from '../crypto/crypto.ts'
import { SecretShareError, type ShareFault } from '../errors.ts'
import { commitmentOf } from '../format/set-sheet.ts'
import { shareValue, type Share } from '../format/share.ts'
import { isKeyOf } from '../payload.ts'
import { possessionKey } from '../possession.ts'
import { expectedValue, sharedKey } from '../sharing/shared-key.ts'
import { countSubsets, subsets } from '../sharing/subsets.ts'
import type { SetHeader } from '../types.ts'
import { faultOf, inOrder, type Candidate } from './examine.ts'

/** Multiplications that a search may cost: a second or two in a browser. */
const WORK = 20_000_000
/** What a try costs besides, in as many multiplications: a hash. */
const HASH_WORK = 500
/** So many random subsets come before all in their order, and so many subsets at most are tried in order. */
const DRAWN = 64
const ORDERED = 50_000

export interface FoundKey {
  /** The caller's, to be wiped. */
  readonly key: Uint8Array
  /** The numbers of the shares that gave it. */
  readonly used: number[]
}

/**
 * The key that the set commits to, from shares that are all signed and of one set, each number at most a few times. Normally the first `threshold`
 * shares give it. If not, the dealer's key is in other hands, and other subsets are tried: at random, and all of them where there are no more than
 * 50,000. With `b` bad ones of `n` a random try succeeds with C(n − b, m) / C(n, m), so one bad share of 20, ten needed, takes two tries; half of 40 bad, twenty
 * needed, is given up after about a second.
 *
 * A subset counts if its key is the one committed to and if **all** values that follow from it make the set's commitment again: shares that were
 * shifted so that they cancel out in the key, and a payload of somebody else's who knows it, are noticed by that.
 *
 * @param payload sealed, as the shares carry it or as it was given
 * @throws SECRET_SHARE_INCONSISTENT, or SECRET_SHARE_BAD_PAYLOAD when only the payload may be wrong
 */
export function findKey(
  candidates: readonly Candidate[],
  payload: Uint8Array,
  faults: ShareFault[]
): FoundKey {
  const [first] = candidates
  if (first === undefined) throw inconsistent(candidates, faults)
  const { header, commitment } = first.share
  let keyFound = false
  for (const some of tries(candidates, header.threshold)) {
    const shares = some.map(({ share }) => share)
    const used = shares.map(({ index }) => index)
    if (new Set(used).size < header.threshold) continue
    const key = sharedKey(shares)
    const isKey = isKeyOf(header, key)
    keyFound ||= isKey
    if (isKey && makesCommitment(header, payload, shares, commitment)) {
      nameOthers(candidates, shares, faults)
      return { key, used }
    }
    wipe(key)
  }
  if (keyFound && first.share.payload === null) {
    const words = 'The shares go together, but the locked file is damaged, or is of another set.'
    throw new SecretShareError('SECRET_SHARE_BAD_PAYLOAD', words, { faults: inOrder(faults) })
  }
  throw inconsistent(candidates, faults)
}

function* tries(candidates: readonly Candidate[], threshold: number): Generator<readonly Candidate[]> {
  const most = Math.floor(WORK / (threshold * (threshold + 32) + HASH_WORK))
  const all = countSubsets(candidates.length, threshold)
  yield candidates.slice(0, threshold)
  const drawn = all <= Math.min(most, ORDERED) ? Math.min(DRAWN, all) : most
  for (let i = 0; i < drawn; i++) yield draw(candidates, threshold)
  if (drawn < most) yield* subsets(candidates, threshold)
}

/** That many of them, each as likely as any other: Fisher and Yates, with 32 bits a step. */
function draw(candidates: readonly Candidate[], size: number): Candidate[] {
  const left = [...candidates]
  const random = new DataView(take(systemRandom, 4 * size).buffer)
  return Array.from({ length: size }, (_, i) => {
    const at = random.getUint32(4 * i) % left.length
    return left.splice(at, 1)[0] as Candidate
  })
}

/** Whether the set sheet that follows from these shares is the one that the dealer signed the hash of. */
function makesCommitment(
  header: SetHeader,
  payload: Uint8Array,
  good: readonly Share[],
  commitment: Uint8Array
): boolean {
  const possessionKeys = Array.from({ length: header.holders }, (_, i) => {
    const value = expectedValue(good, i + 1)
    const key = possessionKey(header, i + 1, value)
    wipe(value)
    return key
  })
  return equal(commitmentOf({ header, payload, possessionKeys }), commitment)
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

function inconsistent(candidates: readonly Candidate[], faults: readonly ShareFault[]): SecretShareError {
  const words = 'These shares are signed, and do not fit together: some are not those that were handed out.'
  const all = candidates.map((one) => faultOf(one, 'SECRET_SHARE_INCONSISTENT', words))
  return new SecretShareError('SECRET_SHARE_INCONSISTENT', words, { faults: inOrder([...faults, ...all]) })
}
