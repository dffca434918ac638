import { concat } from './bytes.ts'
import { badArgument, checkBoxKeys, checkShare, isKey } from './arguments.ts'
import {
  boxKeyPair,
  equal,
  hash,
  isSealable,
  openSealed,
  sealTo,
  systemRandom,
  take,
  wipe
} from './crypto/crypto.ts'
import { SecretShareError } from './errors.ts'
import type { Share } from './format/share.ts'
import { decodeText } from './format/text.ts'
import { damaged, KIND, unwrap, WireReader, wrap } from './format/wire.ts'
import type { KeyPair, RandomBytes } from './types.ts'
import { readShare } from './verify-share.ts'

const HINT_BYTES = 8

/** The X25519 key pair of a friend, or of a new device: give the public key away, keep the other. */
export function holderKeyPair(random: RandomBytes = systemRandom): KeyPair {
  const seed = take(random, 32)
  const keys = boxKeyPair(seed)
  wipe(seed)
  return keys
}

/**
 * Seals a share so that only the owner of this key can open it (libsodium's `crypto_box_seal`; its randomness is always
 * libsodium's own). FORMAT.md, "Sealed share".
 *
 * @param publicKey X25519, 32 bytes
 * @throws SECRET_SHARE_BAD_ARGUMENT for another, or one of a small order
 */
export function sealShare(share: Share, publicKey: Uint8Array): Uint8Array {
  checkShare(share)
  if (!isKey(publicKey, 32) || !isSealable(publicKey)) {
    throw badArgument('the key to seal to must be an X25519 key of 32 bytes')
  }
  const bytes = share.toBytes()
  const sealed = sealTo(bytes, publicKey)
  wipe(bytes)
  return wrap(KIND.sealed, concat([hintOf(publicKey), sealed]))
}

/**
 * Opens a sealed share, as bytes or text. It is read, not yet verified: `verifyShare`.
 *
 * @throws SECRET_SHARE_NOT_FOR_YOU when it was sealed to another key, else as `verifyShare`
 */
export function openShare(sealed: Uint8Array | string, keys: KeyPair): Share {
  checkBoxKeys(keys)
  const reader = new WireReader(
    unwrap(KIND.sealed, typeof sealed === 'string' ? decodeText('sealed', sealed) : sealed)
  )
  const hint = reader.take(HINT_BYTES)
  if (!equal(hint, hintOf(keys.publicKey))) {
    throw new SecretShareError(
      'SECRET_SHARE_NOT_FOR_YOU',
      'This share is sealed to another person or device.'
    )
  }
  const bytes = openSealed(reader.take(reader.left), keys)
  if (bytes === null) throw damaged()
  const share = readShare(bytes)
  wipe(bytes)
  return share
}

/** Tells "not for you" from "damaged". */
function hintOf(publicKey: Uint8Array): Uint8Array {
  return hash('seal hint', [publicKey]).subarray(0, HINT_BYTES)
}
