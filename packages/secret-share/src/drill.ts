import { badArgument, checkOptions } from './arguments.ts'
import { equal, systemRandom, take, wipe } from './crypto/crypto.ts'
import { SecretShareError } from './errors.ts'
import type { Share } from './format/share.ts'
import { isKeyOf, openPayload } from './payload.ts'
import { SecretSet } from './secret-set.ts'
import { sharedKey } from './sharing/shared-key.ts'
import { countSubsets, subsets } from './sharing/subsets.ts'
import type { RandomBytes } from './types.ts'
import { verifyShare } from './verify-share.ts'

/** Up to so many subsets all are tried: that is every M of N for N ≤ 10. */
const ALL_UP_TO = 252
/** Of more, so many are drawn; besides, every share is in one. */
const DRAWN = 64

export interface Drilled {
  /** How many subsets of `threshold` shares gave the secret back. */
  readonly subsets: number
  /** Whether those were all there are. */
  readonly all: boolean
}

export interface DrillOptions {
  /** Which subsets are drawn of many. @defaultValue the system's */
  random?: RandomBytes
}

/**
 * Tries a set out before it is handed out: reads every share back from its bytes, checks it, and combines all subsets
 * that should do (a sample when there are more than 252). `split` has done so already.
 *
 * @throws SECRET_SHARE_DRILL_FAILED
 */
export function drill(set: SecretSet, options: DrillOptions = {}): Drilled {
  checkOptions(options)
  return drillFor(set, null, options.random ?? systemRandom)
}

/** The same, and that what comes back is this secret. */
export function drillFor(set: SecretSet, secret: Uint8Array | null, random: RandomBytes): Drilled {
  if (!(set instanceof SecretSet)) throw badArgument('this must be a SecretSet: split() makes one')
  const { header, payload } = set.sheet
  const shares = set.shares.map(({ share }) => readBack(share, set))
  if (new Set(shares.map(({ index }) => index)).size !== header.holders) throw failed(null)
  const all = countSubsets(shares.length, header.threshold) <= ALL_UP_TO
  let tried = 0
  for (const some of all ? subsets(shares, header.threshold) : draw(shares, header.threshold, random)) {
    const key = sharedKey(some)
    const opened = isKeyOf(header, key) ? (tried > 0 ? true : openPayload(header, key, payload)) : null
    wipe(key)
    if (opened === null) throw failed(null)
    if (opened !== true) {
      const same = secret === null || equal(opened, secret)
      wipe(opened)
      if (!same) throw failed(null)
    }
    tried++
  }
  return { subsets: tried, all }
}

function readBack(share: Share, set: SecretSet): Share {
  try {
    return verifyShare(share.toBytes(), set.sheet)
  } catch (cause) {
    throw failed(cause)
  }
}

/** Runs of neighbours, so that every share is in one; then random choices. */
function* draw(shares: readonly Share[], size: number, random: RandomBytes): Generator<Share[]> {
  for (let from = 0; from < shares.length; from += size) {
    yield Array.from({ length: size }, (_, i) => shares[(from + i) % shares.length] as Share)
  }
  for (let round = 0; round < DRAWN; round++) {
    const order = take(random, shares.length)
    yield shares
      .map((share, i) => ({ share, rank: order[i] ?? 0 }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, size)
      .map(({ share }) => share)
  }
}

function failed(cause: unknown): SecretShareError {
  const words = 'The shares just made do not bring the secret back. Hand none of them out, and report this.'
  return new SecretShareError('SECRET_SHARE_DRILL_FAILED', words, { cause })
}
