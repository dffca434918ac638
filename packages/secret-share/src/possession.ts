import { concat } from './bytes.ts'
import { badArgument, checkOptions, checkShare, checkSheet } from './arguments.ts'
import { derive, equal, sign, signKeyPair, systemRandom, take, verify, wipe } from './crypto/crypto.ts'
import { SecretShareError } from './errors.ts'
import { KIND, uint, unwrap, WireReader, wrap } from './format/wire.ts'
import { possessionKeyOf, type SetSheet } from './format/set-sheet.ts'
import { shareValue, type Share } from './format/share.ts'
import type { KeyPair, RandomBytes, SetHeader } from './types.ts'

const NONCE_BYTES = 16

/**
 * The Ed25519 key pair that a share's secret part gives. The public key commits to the 32 random bytes it is derived from and tells nothing
 * about them; what it signs tells no more.
 */
function possessionKeyPair(header: SetHeader, index: number, value: Uint8Array): KeyPair {
  const seed = derive('possession', value, [header.setId, uint(header.epoch, 2), uint(index, 1)])
  const keys = signKeyPair(seed)
  wipe(seed)
  return keys
}

/** The public half alone. */
export function possessionKey(header: SetHeader, index: number, value: Uint8Array): Uint8Array {
  const { publicKey, secretKey } = possessionKeyPair(header, index, value)
  wipe(secretKey)
  return publicKey
}

/** Whether the secret part is the one that the sheet commits to. */
export function fitsSheet(share: Share, sheet: SetSheet): boolean {
  const expected = possessionKeyOf(sheet, share.index)
  const own = possessionKey(share.header, share.index, shareValue(share))
  return expected !== undefined && equal(own, expected)
}

export interface ChallengeOptions {
  /** @defaultValue the system's */
  random?: RandomBytes
}

/**
 * "Do you still hold your share?": 55 bytes for the holder of one share, good for one answer. Keep them for `check`.
 *
 * @param index the number of the share
 */
export function challenge(sheet: SetSheet, index: number, options: ChallengeOptions = {}): Uint8Array {
  checkSheet(sheet)
  checkOptions(options)
  if (possessionKeyOf(sheet, index) === undefined) throw badArgument('there is no share of that number')
  const nonce = take(options.random ?? systemRandom, NONCE_BYTES)
  return wrap(KIND.challenge, concat([sheet.commitment, uint(index, 1), nonce]))
}

/**
 * The holder's answer, 70 bytes. It proves that the share is there and reveals nothing about it, whoever asks and
 * however often.
 *
 * @throws SECRET_SHARE_OTHER_SET when the question is about another share than this one
 */
export function answer(share: Share, question: Uint8Array): Uint8Array {
  checkShare(share)
  const { commitment, index } = readChallenge(question)
  if (!equal(commitment, share.commitment) || index !== share.index) {
    throw new SecretShareError(
      'SECRET_SHARE_OTHER_SET',
      'This question is about another share than the one you have.'
    )
  }
  const { secretKey } = possessionKeyPair(share.header, share.index, shareValue(share))
  const signature = sign('answer', question, secretKey)
  wipe(secretKey)
  return wrap(KIND.answer, signature)
}

/**
 * Whether the answer is that of who holds the share asked for.
 *
 * @param question as `challenge` made it, on this device
 * @throws SecretShareError when one of them cannot be read at all
 */
export function check(sheet: SetSheet, question: Uint8Array, reply: Uint8Array): boolean {
  checkSheet(sheet)
  const { commitment, index } = readChallenge(question)
  const key = possessionKeyOf(sheet, index)
  const signature = unwrap(KIND.answer, reply)
  if (!equal(commitment, sheet.commitment) || key === undefined || signature.length !== 64) return false
  return verify('answer', question, signature, key)
}

function readChallenge(question: Uint8Array): { commitment: Uint8Array; index: number } {
  const reader = new WireReader(unwrap(KIND.challenge, question))
  const commitment = reader.take(32)
  const index = reader.uint(1)
  reader.take(NONCE_BYTES)
  reader.end()
  return { commitment, index }
}
