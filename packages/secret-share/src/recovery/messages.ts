import { concat } from '../bytes.ts'
import { hash, sign, verify } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'
import { decodeLabel, encodeLabel } from '../format/label.ts'
import { SetSheet } from '../format/set-sheet.ts'
import { damaged, KIND, uint, unwrap, WireReader, wrap } from '../format/wire.ts'
import type { KeyPair } from '../types.ts'

/** Random bytes that each side brings in. */
export const NONCE_BYTES = 16
const SIGNATURE_BYTES = 64

/** What a new device asks for: FORMAT.md, "Recovery request". */
export interface RecoveryRequest {
  /** What is to be recovered, in the owner's words. */
  readonly label: string
  /** The new device's Ed25519 key, 32 bytes: the same to every friend. */
  readonly device: Uint8Array
  /** The X25519 key to seal the share to, 32 bytes. */
  readonly sealTo: Uint8Array
  /** Hash of the nonce that the device reveals only after it has the friend's. */
  readonly commitment: Uint8Array
}

export function encodeRequest(request: RecoveryRequest, keys: KeyPair): Uint8Array {
  const label = encodeLabel(request.label)
  const signed = concat([uint(label.length, 1), label, request.device, request.sealTo, request.commitment])
  return wrap(KIND.request, concat([signed, sign('request', signed, keys.secretKey)]))
}

/** @throws SECRET_SHARE_FORGED when the device it names did not sign it */
export function decodeRequest(message: Uint8Array): RecoveryRequest {
  const body = unwrap(KIND.request, message)
  const reader = new WireReader(body)
  const label = decodeLabel(reader.take(reader.uint(1)))
  if (label === null) throw damaged()
  const request = { label, device: reader.take(32), sealTo: reader.take(32), commitment: reader.take(32) }
  const signature = reader.take(SIGNATURE_BYTES)
  reader.end()
  const signed = body.subarray(0, body.length - SIGNATURE_BYTES)
  if (verify('request', signed, signature, request.device)) return request
  const words = 'This request was changed on its way: its signature is not right. Do not answer it.'
  throw new SecretShareError('SECRET_SHARE_FORGED', words)
}

/** What a friend sends in the end: a sealed share, and the set's sheet where they have it. */
interface Help {
  readonly sealed: Uint8Array
  readonly sheet: SetSheet | null
}

export function encodeHelp(sealed: Uint8Array, sheet: SetSheet | null): Uint8Array {
  return wrap(KIND.help, concat([uint(sealed.length, 2), sealed, sheet?.toBytes() ?? new Uint8Array(0)]))
}

/** @throws SECRET_SHARE_DAMAGED, and what `SetSheet.fromBytes` throws */
export function decodeHelp(message: Uint8Array): Help {
  const reader = new WireReader(unwrap(KIND.help, message))
  const sealed = reader.take(reader.uint(2))
  return { sealed, sheet: reader.left === 0 ? null : SetSheet.fromBytes(reader.take(reader.left)) }
}

/** What a nonce is committed to by. */
export function commitToNonce(nonce: Uint8Array): Uint8Array {
  return hash('nonce', [nonce])
}

/** A message that is nothing but a nonce. */
export function encodeNonce(kind: typeof KIND.nonce | typeof KIND.reveal, nonce: Uint8Array): Uint8Array {
  return wrap(kind, nonce)
}

export function decodeNonce(kind: typeof KIND.nonce | typeof KIND.reveal, message: Uint8Array): Uint8Array {
  const nonce = unwrap(kind, message)
  if (nonce.length !== NONCE_BYTES) throw damaged()
  return new Uint8Array(nonce)
}
