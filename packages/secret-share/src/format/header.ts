import { concat } from '../bytes.ts'
import { equal } from '../crypto/crypto.ts'
import type { SetHeader } from '../types.ts'
import { toUtf8 } from '../utf8.ts'
import { decodeLabel } from './label.ts'
import { damaged, newerFormat, uint, type WireReader } from './wire.ts'

/** Shamir in GF(2⁸), ChaCha20-Poly1305, BLAKE2b and Ed25519. */
const SUITE = 1

/** FORMAT.md, "Header". The label is one that `encodeLabel` or `decodeLabel` has taken. */
export function encodeHeader(header: SetHeader): Uint8Array {
  const label = toUtf8(header.label) ?? new Uint8Array(0)
  return concat([
    Uint8Array.from([SUITE]),
    header.setId,
    uint(header.epoch, 2),
    Uint8Array.from([header.threshold, header.holders, label.length]),
    label,
    header.dealer,
    header.keyCommitment
  ])
}

/** @throws SECRET_SHARE_NEWER_FORMAT for another suite, SECRET_SHARE_DAMAGED for what `split` cannot have made */
export function decodeHeader(reader: WireReader): SetHeader {
  if (reader.uint(1) !== SUITE) throw newerFormat()
  const setId = reader.take(16)
  const epoch = reader.uint(2)
  const threshold = reader.uint(1)
  const holders = reader.uint(1)
  const label = decodeLabel(reader.take(reader.uint(1)))
  if (threshold < 2 || holders < threshold || label === null) throw damaged()
  return {
    setId,
    epoch,
    threshold,
    holders,
    label,
    dealer: reader.take(32),
    keyCommitment: reader.take(32)
  }
}

/** A copy that nobody else can change. */
export function copyHeader(header: SetHeader): SetHeader {
  const { setId, dealer, keyCommitment } = header
  return {
    ...header,
    setId: new Uint8Array(setId),
    dealer: new Uint8Array(dealer),
    keyCommitment: new Uint8Array(keyCommitment)
  }
}

/** Whether all of it is the same. */
export function sameHeader(a: SetHeader, b: SetHeader): boolean {
  return equal(encodeHeader(a), encodeHeader(b))
}
