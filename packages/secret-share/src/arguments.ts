import { hex } from '@scure/base'
import { equal, isSealable } from './crypto/crypto.ts'
import { SecretShareError } from './errors.ts'
import { SECRET_BYTES, SetSheet } from './format/set-sheet.ts'
import { Share } from './format/share.ts'
import { nameKey } from './name-key.ts'
import type { Holder, KeyPair } from './types.ts'

/** Why a key pair may lack a half. */
const KEPT =
  'Copies, JSON and databases leave the secret half out: keep and hand on the bytes of keyPairToBytes()'

/** @throws SECRET_SHARE_BAD_SECRET when it is empty or no bytes, SECRET_SHARE_TOO_LARGE above 64 KB */
export function checkSecret(secret: Uint8Array): void {
  if (!(secret instanceof Uint8Array) || secret.length === 0) {
    throw new SecretShareError('SECRET_SHARE_BAD_SECRET', 'There is no secret to share: it is empty.')
  }
  if (secret.length <= SECRET_BYTES) return
  throw new SecretShareError('SECRET_SHARE_TOO_LARGE', `A secret may have ${SECRET_BYTES} bytes at most.`)
}

/** @throws SECRET_SHARE_BAD_HOLDERS, SECRET_SHARE_DUPLICATE_HOLDER */
export function checkHolders(holders: readonly Holder[]): void {
  const count = Array.isArray(holders) ? holders.length : 0
  const fit = count >= 2 && count <= 255 && holders.every(isHolder)
  if (!fit) {
    throw new SecretShareError(
      'SECRET_SHARE_BAD_HOLDERS',
      'Choose 2 to 255 people, each with a name (and, where there is one, a key of 32 bytes that something can be sealed to).'
    )
  }
  const keys = holders.flatMap(({ publicKey }) => (publicKey ? [hex.encode(publicKey)] : []))
  const names = holders.map(({ name }) => nameKey(name))
  if (new Set(keys).size === keys.length && new Set(names).size === names.length) return
  throw new SecretShareError(
    'SECRET_SHARE_DUPLICATE_HOLDER',
    'The same person is in the list twice: whoever holds two shares needs fewer friends.'
  )
}

function isHolder(holder: Holder): boolean {
  const { name, publicKey } = holder ?? {}
  return typeof name === 'string' && nameKey(name) !== '' && isHolderKey(publicKey)
}

/** None, or one that something can be sealed to. */
function isHolderKey(key: unknown): boolean {
  return key === undefined || (isKey(key, 32) && isSealable(key))
}

/** @throws SECRET_SHARE_BAD_THRESHOLD */
export function checkThreshold(threshold: number, holders: number): void {
  const words =
    threshold === 1
      ? 'With one share being enough, every friend alone would have the secret. Ask for two or more.'
      : 'The number of shares needed must be a whole number from 2 to the number of people.'
  if (Number.isInteger(threshold) && threshold >= 2 && threshold <= holders) return
  throw new SecretShareError('SECRET_SHARE_BAD_THRESHOLD', words)
}

/** An Ed25519 key pair, 32 and 64 bytes, that fits together. @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkDealer(dealer: KeyPair): void {
  const { publicKey, secretKey } = dealer ?? {}
  const fits = isKey(publicKey, 32) && isKey(secretKey, 64) && equal(secretKey.subarray(32), publicKey)
  if (!fits) throw badArgument(`the dealer must be an Ed25519 key pair: 32 and 64 bytes. ${KEPT}`)
}

/** An X25519 key pair, 32 and 32 bytes. @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkBoxKeys(keys: KeyPair): void {
  const fits = isKey(keys?.publicKey, 32) && isKey(keys.secretKey, 32)
  if (!fits) throw badArgument(`the keys must be those of holderKeyPair(): 32 and 32 bytes. ${KEPT}`)
}

/** @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw badArgument('the options must be an object')
}

/**
 * Options among which there is a pin: whoever misspells it, gives it as `undefined`, or gives something else in place of the options is told so.
 *
 * @throws SECRET_SHARE_BAD_ARGUMENT
 */
export function checkKeys(options: object, known: readonly string[]): void {
  checkOptions(options)
  const prototype: unknown = Object.getPrototypeOf(options)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw badArgument('the options must be a plain object')
  }
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw badArgument(`there is no option of the name “${key}”`)
    if (value === undefined) throw badArgument(`“${key}” is undefined: leave it out where there is none`)
  }
}

/** One that was read, or made by `split`. @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkShare(share: unknown): void {
  if (!(share instanceof Share)) throw badArgument('this must be a Share: verifyShare() reads one')
}

/** @throws SECRET_SHARE_BAD_ARGUMENT */
export function checkSheet(sheet: unknown): void {
  if (!(sheet instanceof SetSheet))
    throw badArgument('this must be a SetSheet: SetSheet.fromBytes() reads one')
}

export function badArgument(words: string): SecretShareError {
  return new SecretShareError('SECRET_SHARE_BAD_ARGUMENT', words)
}

export function isKey(key: unknown, length: number): key is Uint8Array {
  return key instanceof Uint8Array && key.length === length
}
