import b4a from 'b4a'
import { checkKeyPair, checkCount } from '../arguments.ts'
import { sign, verifySignature } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import type { IdentityState } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import { byte, type Codec, decodeFrom, encode, fixed32, fixed64, record, uint } from './codecs.ts'
import { checkVersion, FORMAT_VERSION } from './version.ts'

/** A witness says: this is the newest event that I have seen of an identity, and I saw it then. */
export interface Receipt {
  readonly witness: Uint8Array
  readonly identity: Uint8Array
  readonly seq: number
  readonly hash: Uint8Array
  /** By the witness's clock, in ms since 1970. */
  readonly time: number
}

const version: Codec<{ version: number }> = record({ version: byte })
const statement: Codec<Receipt> = record({
  witness: fixed32,
  identity: fixed32,
  seq: uint,
  hash: fixed32,
  time: uint
})

/**
 * Says that a chain was seen up to here. About 180 bytes.
 *
 * @param witness - key pair of a device, or of anybody else that verifiers name
 * @param time - in ms since 1970
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export function createReceipt(
  state: Pick<IdentityState, 'identity' | 'seq' | 'hash'>,
  witness: KeyPair,
  time: number
): Uint8Array {
  checkKeyPair(witness)
  checkCount(time, 'a time')
  const { identity, seq, hash } = state ?? {}
  const body = b4a.concat([
    encode(version, { version: FORMAT_VERSION }),
    encode(statement, { witness: witness.publicKey, identity, seq, hash, time })
  ])
  return b4a.concat([body, sign('receipt', body, witness)])
}

/**
 * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_NEWER_FORMAT, KEY_ROTATION_NOT_CANONICAL, and KEY_ROTATION_BAD_SIGNATURE when the witness it
 *   names did not sign it
 */
export function readReceipt(given: Uint8Array): Receipt {
  if (!(given instanceof Uint8Array))
    throw new KeyRotationError('KEY_ROTATION_MALFORMED', 'a receipt is bytes')
  const bytes = b4a.from(given)
  const head = decodeFrom(version, bytes, 0)
  checkVersion(head.value.version, 'a receipt')
  const receipt = decodeFrom(statement, bytes, head.end)
  const signature = decodeFrom(fixed64, bytes, receipt.end)
  const canonical = b4a.concat([
    encode(version, head.value),
    encode(statement, receipt.value),
    signature.value
  ])
  if (!b4a.equals(canonical, bytes))
    throw new KeyRotationError('KEY_ROTATION_NOT_CANONICAL', 'a receipt is not as this format writes it')
  const body = bytes.subarray(0, receipt.end)
  if (!verifySignature('receipt', body, signature.value, receipt.value.witness))
    throw new KeyRotationError(
      'KEY_ROTATION_BAD_SIGNATURE',
      'a receipt was not signed by the witness it names'
    )
  return receipt.value
}
