import { checkBoxKeys, checkDealer } from './arguments.ts'
import { concat } from './bytes.ts'
import { discreet, equal, isSealable, openSealed, sealTo, signKeyPair, wipe } from './crypto/crypto.ts'
import { damaged, KIND, kindOf, unwrap, WireReader, wrap } from './format/wire.ts'
import type { KeyPair } from './types.ts'

const HALF_BYTES = 32

/**
 * A key pair of `dealerKeyPair` or `holderKeyPair` as bytes, to be kept where the system keeps keys: copies, JSON, databases and workers leave the secret
 * half of the object itself out. **As secret as the keys.** FORMAT.md, "Saved keys".
 *
 * @returns 38 or 70 bytes; the caller's, to be wiped
 * @throws SECRET_SHARE_BAD_ARGUMENT
 */
export function keyPairToBytes(keys: KeyPair): Uint8Array {
  if (keys?.secretKey?.length === 2 * HALF_BYTES) {
    checkDealer(keys)
    return wrap(KIND.dealerKeys, keys.secretKey.subarray(0, HALF_BYTES))
  }
  checkBoxKeys(keys)
  return wrap(KIND.holderKeys, concat([keys.publicKey, keys.secretKey]))
}

/**
 * Reads the bytes of `keyPairToBytes`.
 *
 * @throws SECRET_SHARE_DAMAGED, also for halves that do not fit together, SECRET_SHARE_NEWER_FORMAT, SECRET_SHARE_NOT_A_SHARE
 */
export function keyPairFromBytes(bytes: Uint8Array): KeyPair {
  const isDealer = kindOf(bytes) === KIND.dealerKeys
  const reader = new WireReader(unwrap(isDealer ? KIND.dealerKeys : KIND.holderKeys, bytes))
  const first = reader.take(HALF_BYTES)
  if (isDealer) {
    reader.end()
    const keys = signKeyPair(first)
    wipe(first)
    return keys
  }
  const keys = discreet({ publicKey: first, secretKey: reader.take(HALF_BYTES) })
  reader.end()
  if (!fitTogether(keys)) throw damaged()
  return keys
}

/** Whether the one half opens what is sealed to the other. */
function fitTogether(keys: KeyPair): boolean {
  if (!isSealable(keys.publicKey)) return false
  const opened = openSealed(sealTo(keys.publicKey, keys.publicKey), keys)
  return opened !== null && equal(opened, keys.publicKey)
}
