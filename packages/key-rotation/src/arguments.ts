import { HASH_BYTES, KEY_BYTES } from './crypto/crypto.ts'
import { KeyRotationError } from './errors.ts'
import type { IdentityState } from './state/state.ts'
import type { CutOff, KeyPair } from './types.ts'

/**
 * Refuses what is not known: an option that is misspelt and ignored is a check that nobody makes.
 *
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export function checkOptions(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw badArgument('the options must be an object')
  const strange = Reflect.ownKeys(options).filter((name) => typeof name !== 'string' || !known.includes(name))
  if (strange.length === 0) return
  throw badArgument(`there is no option ${strange.map(String).join(', ')}; there are ${known.join(', ')}`)
}

/** @throws KEY_ROTATION_BAD_ARGUMENT */
export function checkKey(key: unknown, what: string): void {
  if (!isBytes(key, KEY_BYTES)) throw badArgument(`${what} must be ${KEY_BYTES} bytes`)
}

/** @throws KEY_ROTATION_BAD_ARGUMENT */
export function checkKeyPair(keyPair: KeyPair): void {
  const { publicKey, secretKey } = keyPair ?? {}
  if (!isBytes(publicKey, KEY_BYTES) || !isBytes(secretKey, 2 * KEY_BYTES))
    throw badArgument('a signer is an Ed25519 key pair: 32 and 64 bytes')
}

/** Whole ms since 1970, or a length or fork. @throws KEY_ROTATION_BAD_ARGUMENT */
export function checkCount(value: unknown, what: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw badArgument(`${what} must be a whole number from 0`)
}

/** @throws KEY_ROTATION_BAD_ARGUMENT */
export function checkCutOff(cutOff: CutOff): void {
  const { core, fork, length, treeHash } = cutOff ?? {}
  checkKey(core, 'the `core` of an end')
  checkCount(fork, 'the `fork` of an end')
  checkCount(length, 'the `length` of an end')
  if (!isBytes(treeHash, HASH_BYTES))
    throw badArgument(`the \`treeHash\` of an end must be ${HASH_BYTES} bytes`)
}

/** Not what is in it: that it is one. @throws KEY_ROTATION_BAD_ARGUMENT */
export function checkState(state: IdentityState): void {
  const { cores, cutOffs } = state ?? {}
  if (!(cores instanceof Map && cutOffs instanceof Map)) throw badArgument('a state is what `verify` gives')
}

/** A clock whose every reading is checked: what is no number is neither before nor after anything. @throws KEY_ROTATION_BAD_ARGUMENT, and so does each reading */
export function checkedClock(now: () => number = Date.now): () => number {
  if (typeof now !== 'function') throw badArgument('`now` must be a function')
  return () => {
    const time = now()
    checkCount(time, 'what `now` says')
    return time
  }
}

export function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length
}

export function badArgument(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_BAD_ARGUMENT', message)
}
