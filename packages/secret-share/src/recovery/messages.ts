import { concat } from '../bytes.ts'
import { hash, isSealable, sign, verify } from '../crypto/crypto.ts'
import { SecretShareError } from '../errors.ts'
import { decodeLabel, encodeLabel } from '../format/label.ts'
import { SetSheet } from '../format/set-sheet.ts'
import { damaged, KIND, uint, unwrap, WireReader, wrap } from '../format/wire.ts'
import type { KeyPair } from '../types.ts'

/** Random bytes that each side brings in. */
export const NONCE_BYTES = 32
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** What a new device asks for: FORMAT.md, "Recovery". */
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

/** @throws SECRET_SHARE_FORGED when the device it names did not sign it, or when everybody could open what is sealed for it */
export function decodeRequest(message: Uint8Array): RecoveryRequest {
  const body = unwrap(KIND.request, message)
  const reader = new WireReader(body)
  const label = decodeLabel(reader.take(reader.uint(1)))
  if (label === null) throw damaged()
  const request = {
    label,
    device: reader.take(KEY_BYTES),
    sealTo: reader.take(KEY_BYTES),
    commitment: reader.take(32)
  }
  const signature = reader.take(SIGNATURE_BYTES)
  reader.end()
  const signed = body.subarray(0, body.length - SIGNATURE_BYTES)
  if (verify('request', signed, signature, request.device) && isSealable(request.sealTo)) return request
  const words = 'This request was changed on its way, or made to deceive. Do not answer it.'
  throw new SecretShareError('SECRET_SHARE_FORGED', words)
}

/** The friend's part of the code, and the Ed25519 key of this one meeting that signs what the friend sends in the end. */
export interface RecoveryReply {
  readonly nonce: Uint8Array
  readonly key: Uint8Array
}

export function encodeReply({ nonce, key }: RecoveryReply): Uint8Array {
  return wrap(KIND.reply, concat([nonce, key]))
}

/** @throws SECRET_SHARE_DAMAGED */
export function decodeReply(message: Uint8Array): RecoveryReply {
  const reader = new WireReader(unwrap(KIND.reply, message))
  const reply = { nonce: reader.take(NONCE_BYTES), key: reader.take(KEY_BYTES) }
  reader.end()
  return reply
}

/** What a nonce is committed to by. */
export function commitToNonce(nonce: Uint8Array): Uint8Array {
  return hash('nonce', [nonce])
}

export function encodeReveal(nonce: Uint8Array): Uint8Array {
  return wrap(KIND.reveal, nonce)
}

/** @throws SECRET_SHARE_DAMAGED */
export function decodeReveal(message: Uint8Array): Uint8Array {
  const nonce = unwrap(KIND.reveal, message)
  if (nonce.length !== NONCE_BYTES) throw damaged()
  return new Uint8Array(nonce)
}

/** 32 bytes that stand for the three messages before the share, whole envelopes: what the codes are made of, and what the help is signed with. */
export function transcriptOf(request: Uint8Array, reply: Uint8Array, reveal: Uint8Array): Uint8Array {
  return hash('meeting', [request, reply, reveal])
}

/** What a friend sends in the end: a sealed share, and the set's sheet where they have it. */
export interface RecoveryAid {
  readonly sealed: Uint8Array
  readonly sheet: SetSheet | null
}

/** Signs it for this meeting, with the secret half of the reply's key. */
export function encodeHelp(
  { sealed, sheet }: RecoveryAid,
  transcript: Uint8Array,
  secretKey: Uint8Array
): Uint8Array {
  const aid = concat([uint(sealed.length, 2), sealed, sheet?.toBytes() ?? new Uint8Array(0)])
  return wrap(KIND.help, concat([aid, sign('help', concat([transcript, aid]), secretKey)]))
}

/** @throws SECRET_SHARE_FORGED when it is not of this meeting, SECRET_SHARE_DAMAGED, and what `SetSheet.fromBytes` throws */
export function decodeHelp(message: Uint8Array, transcript: Uint8Array, key: Uint8Array): RecoveryAid {
  const body = unwrap(KIND.help, message)
  const at = body.length - SIGNATURE_BYTES
  if (at < 0) throw damaged()
  const aid = body.subarray(0, at)
  if (!verify('help', concat([transcript, aid]), body.subarray(at), key)) {
    const words =
      'What came is not from whom you compared the codes with. Somebody is in between: begin again over another channel.'
    throw new SecretShareError('SECRET_SHARE_FORGED', words)
  }
  const reader = new WireReader(aid)
  const sealed = reader.take(reader.uint(2))
  return { sealed, sheet: reader.left === 0 ? null : SetSheet.fromBytes(reader.take(reader.left)) }
}
