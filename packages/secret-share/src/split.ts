import {
  checkDealer,
  checkHolders,
  checkOptions,
  checkSecret,
  checkSheet,
  checkThreshold
} from './arguments.ts'
import { equal, hash, signKeyPair, systemRandom, take, wipe } from './crypto/crypto.ts'
import { hedgedRandom } from './crypto/hedged-random.ts'
import { drillFor } from './drill.ts'
import { SecretShareError } from './errors.ts'
import { commitmentOf, makeSheet, type SetSheet } from './format/set-sheet.ts'
import { INLINE_BYTES, makeShare, type Share } from './format/share.ts'
import { encodeHeader } from './format/header.ts'
import { encodeLabel } from './format/label.ts'
import { commitToKey, sealPayload } from './payload.ts'
import { possessionKey } from './possession.ts'
import { SecretSet } from './secret-set.ts'
import { shareOut } from './sharing/polynomial.ts'
import type { Holder, KeyPair, RandomBytes, SetHeader } from './types.ts'

export interface SplitOptions {
  /** How many shares bring the secret back: 2 to the number of holders. With five holders, three is a good choice. */
  threshold: number
  /** 2 to 255 people, nobody twice. */
  holders: readonly Holder[]
  /** What the secret is, as holders see it: 1 to 40 bytes. Not secret. */
  label: string
  /** The owner's Ed25519 key pair, which signs every share: borrowed, never kept. `dealerKeyPair` makes one. */
  dealer: KeyPair
  /** @defaultValue the system's, through libsodium */
  random?: RandomBytes
}

/**
 * Shares a secret among friends: a random key seals it, and that key is shared (Shamir, 1979), so that a wrong key is
 * always noticed. Combines the shares once in many ways before it returns them.
 *
 * @param secret 1 to 65,536 bytes; borrowed
 * @throws SecretShareError whose words are fit for a person, for whatever the options have wrong
 */
export function split(secret: Uint8Array, options: SplitOptions): SecretSet {
  return deal(secret, options, null, 0)
}

export interface RefreshOptions extends SplitOptions {}

/**
 * Deals the secret anew, to other holders or with another threshold: the same set, a new epoch. Shares of two epochs never go together. What it
 * does **not** do is take old shares back: enough of those still open the old payload, wherever a copy of it is. After a theft, change the
 * secret itself.
 *
 * @param sheet of the epoch before
 * @param options with the dealer of that epoch
 * @throws SECRET_SHARE_OTHER_DEALER, SECRET_SHARE_EPOCHS_USED_UP, and what `split` throws
 */
export function refresh(sheet: SetSheet, secret: Uint8Array, options: RefreshOptions): SecretSet {
  checkSheet(sheet)
  checkOptions(options)
  checkDealer(options.dealer)
  const { setId, epoch, dealer } = sheet.header
  if (!equal(options.dealer.publicKey, dealer)) {
    throw new SecretShareError(
      'SECRET_SHARE_OTHER_DEALER',
      'This set was made with another key, so your friends could not tell that the new one is yours.'
    )
  }
  if (epoch === 65_535) {
    throw new SecretShareError(
      'SECRET_SHARE_EPOCHS_USED_UP',
      'This set was renewed too often. Make a new one.'
    )
  }
  return deal(secret, options, setId, epoch + 1)
}

function deal(secret: Uint8Array, options: SplitOptions, given: Uint8Array | null, epoch: number): SecretSet {
  checkOptions(options)
  const { threshold, holders, label, dealer, random = systemRandom } = options
  checkSecret(secret)
  checkHolders(holders)
  checkThreshold(threshold, holders.length)
  encodeLabel(label)
  checkDealer(dealer)
  const known = { epoch, threshold, holders: holders.length, label, dealer: dealer.publicKey }
  const digest = hash('hedge', [secret])
  const draw = hedgedRandom(random, digest, dealingContext(known, given))
  const setId = given ?? draw(16)
  const key = draw(32)
  const values = shareOut(key, threshold, holders.length, draw)
  wipe(digest)
  const header: SetHeader = { ...known, setId, keyCommitment: commitToKey(key) }
  const payload = sealPayload(header, key, secret)
  wipe(key)
  const possessionKeys = values.map((value, i) => possessionKey(header, i + 1, value))
  const parts = { header, payload, possessionKeys }
  const common = {
    header,
    commitment: commitmentOf(parts),
    payload: payload.length <= INLINE_BYTES ? payload : null
  }
  const shares = values.map((value, i) => makeShare({ ...common, index: i + 1, value }, dealer.secretKey))
  wipe(...values)
  const sheet = makeSheet(parts, dealer.secretKey)
  const set = new SecretSet(
    sheet,
    holders.map((holder, i) => ({ holder, share: shares[i] as Share }))
  )
  drillFor(set, secret, random)
  return set
}

/** All that is public of a dealing before anything is drawn: the header with zeros for what is not there yet. */
function dealingContext(
  known: Omit<SetHeader, 'setId' | 'keyCommitment'>,
  setId: Uint8Array | null
): Uint8Array {
  return encodeHeader({ ...known, setId: setId ?? new Uint8Array(16), keyCommitment: new Uint8Array(32) })
}

/** An Ed25519 key pair for a dealer, of a random seed. */
export function dealerKeyPair(random: RandomBytes = systemRandom): KeyPair {
  const seed = take(random, 32)
  const keys = signKeyPair(seed)
  wipe(seed)
  return keys
}
