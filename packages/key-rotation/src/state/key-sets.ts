import b4a from 'b4a'
import { commitTo } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import type { KeySet, RecoveryPolicy } from '../types.ts'
import { type Draft, hex } from './state.ts'

/** A delay above it is a mistake: a hundred years, in ms. */
const MAX_DELAY_MS: number = 100 * 365 * 24 * 3600 * 1000

/** @throws KEY_ROTATION_BAD_THRESHOLD, KEY_ROTATION_DUPLICATE_KEY */
export function checkKeySet({ threshold, keys }: KeySet): void {
  if (threshold < 1 || threshold > keys.length) {
    const message = `${threshold} of ${keys.length} keys is no threshold`
    throw new KeyRotationError('KEY_ROTATION_BAD_THRESHOLD', message)
  }
  if (new Set(keys.map(hex)).size !== keys.length)
    throw new KeyRotationError(
      'KEY_ROTATION_DUPLICATE_KEY',
      'a key stands twice among those that count together'
    )
}

/** @throws KEY_ROTATION_BAD_THRESHOLD, KEY_ROTATION_DUPLICATE_KEY, KEY_ROTATION_BAD_TIME */
export function checkPolicy({ quorum, delayMs }: RecoveryPolicy): void {
  checkKeySet(quorum)
  if (delayMs > MAX_DELAY_MS)
    throw new KeyRotationError('KEY_ROTATION_BAD_TIME', 'the delay of a recovery is above a hundred years')
}

/** @throws KEY_ROTATION_NOT_COMMITTED unless these are, in order, the keys whose hashes were named */
export function checkCommitment(committed: KeySet, revealed: KeySet): void {
  const same =
    committed.threshold === revealed.threshold &&
    committed.keys.length === revealed.keys.length &&
    revealed.keys.every((key, i) => b4a.equals(commitTo(key), committed.keys[i] as Uint8Array))
  if (!same)
    throw new KeyRotationError(
      'KEY_ROTATION_NOT_COMMITTED',
      'the new keys are not those that were committed to'
    )
}

/** @throws KEY_ROTATION_KEY_REUSED when one was named before, in whatever place */
export function checkUnnamed(draft: Pick<Draft, 'named'>, keys: readonly Uint8Array[]): void {
  const names = keys.map(nameOf)
  if (new Set(names).size === names.length && !names.some((name) => draft.named.has(name))) return
  throw new KeyRotationError('KEY_ROTATION_KEY_REUSED', 'a key is new only once, and has one place only')
}

/**
 * Keys that are about to count elsewhere must not be those that come next, or that a recovery brings: it could never take place.
 *
 * @throws KEY_ROTATION_KEY_REUSED
 */
export function checkUnreserved(
  { next, pending }: Pick<Draft, 'next' | 'pending'>,
  keys: readonly Uint8Array[]
): void {
  const reserved = new Set([...next.keys, ...(pending?.next.keys ?? [])].map(hex))
  for (const key of pending?.control.keys ?? []) reserved.add(nameOf(key))
  if (keys.some((key) => reserved.has(nameOf(key))))
    throw new KeyRotationError('KEY_ROTATION_KEY_REUSED', 'a key is to count in another place later')
}

/**
 * Nobody can rotate to keys that were named already.
 *
 * @param own - keys that the same event names
 * @throws KEY_ROTATION_KEY_REUSED
 */
export function checkFreshCommitment(
  { named }: Pick<Draft, 'named'>,
  commitment: KeySet,
  own: readonly Uint8Array[]
): void {
  const names = new Set(own.map(nameOf))
  if (commitment.keys.map(hex).some((name) => named.has(name) || names.has(name)))
    throw new KeyRotationError('KEY_ROTATION_KEY_REUSED', 'a key is committed to that was named before')
}

/** To be called when all is checked. */
export function addNames(draft: Pick<Draft, 'named'>, keys: readonly Uint8Array[]): void {
  for (const key of keys) draft.named.add(nameOf(key))
}

function nameOf(key: Uint8Array): string {
  return hex(commitTo(key))
}

/** The keys of a policy that the one before did not have. */
export function newPolicyKeys(
  before: RecoveryPolicy | null,
  after: RecoveryPolicy | null
): readonly Uint8Array[] {
  const known = new Set((before?.quorum.keys ?? []).map(hex))
  return (after?.quorum.keys ?? []).filter((key) => !known.has(hex(key)))
}
