import b4a from 'b4a'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'

/** What a record is. One kind is never taken for another: it is part of what is signed. */
export type RecordKind = 'heartbeat' | 'replica-set' | 'device'

/** First byte of a record: `H`, `R`, `D`. */
const KIND_BYTES: Readonly<Record<RecordKind, number>> = {
  heartbeat: 0x48,
  'replica-set': 0x52,
  device: 0x44
}

/** Version of the records this package writes. */
const RECORD_VERSION = 1
const SIGNATURE_BYTES = 64
const PREFIX_BYTES = 2

/**
 * A body with its kind and version before it, and after it an Ed25519 signature (RFC 8032) of
 * `cloudpal/relay/` + kind + `/1` + a zero byte + all that stands before the signature.
 */
export function sealRecord(kind: RecordKind, body: Uint8Array, { secretKey }: KeyPair): Uint8Array {
  const said = b4a.concat([Uint8Array.of(KIND_BYTES[kind], RECORD_VERSION), body])
  return b4a.concat([said, crypto.sign(signedBytes(kind, said), secretKey)])
}

/**
 * The body of a record, whose signature is still to be checked: who must have signed stands in it.
 *
 * @throws RelayError `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`
 */
export function bodyOf(kind: RecordKind, record: Uint8Array, maxBytes: number): Uint8Array {
  const fits =
    record instanceof Uint8Array &&
    record.length >= PREFIX_BYTES + SIGNATURE_BYTES &&
    record.length <= maxBytes
  if (!fits || record[0] !== KIND_BYTES[kind]) throw malformed(kind, 'its kind or length')
  const version = record[1] ?? 0
  if (version === 0) throw malformed(kind, 'its version')
  if (version > RECORD_VERSION) {
    const help = `a ${kind} is of version ${version}, and this program knows ${RECORD_VERSION}; update it`
    throw new RelayError('RELAY_NEWER_FORMAT', help)
  }
  return record.subarray(PREFIX_BYTES, record.length - SIGNATURE_BYTES)
}

/** @throws RelayError `RELAY_BAD_SIGNATURE` */
export function checkSignature(kind: RecordKind, record: Uint8Array, signer: Uint8Array): void {
  const end = record.length - SIGNATURE_BYTES
  const message = signedBytes(kind, record.subarray(0, end))
  if (crypto.verify(message, record.subarray(end), signer)) return
  throw new RelayError('RELAY_BAD_SIGNATURE', `a ${kind} does not bear the signature of the key it names`)
}

/** A place in a body. */
export interface State {
  start: number
  end: number
  buffer: Uint8Array
}

/** Eight bytes, the lowest first; a number up to 2^53 − 1. @throws RelayError `RELAY_MALFORMED` */
export function decodeCount(kind: RecordKind, state: State): number {
  try {
    return c.uint64.decode(state)
  } catch (cause) {
    // compact-encoding's own errors have no code, and the bytes are a stranger's.
    throw new RelayError('RELAY_MALFORMED', `a ${kind} has a number that is too large`, { cause })
  }
}

export function malformed(kind: RecordKind, what: string): RelayError {
  return new RelayError('RELAY_MALFORMED', `a ${kind} is not as it must be: ${what}`)
}

function signedBytes(kind: RecordKind, said: Uint8Array): Uint8Array {
  return b4a.concat([b4a.from(`cloudpal/relay/${kind}/${RECORD_VERSION}\0`), said])
}
