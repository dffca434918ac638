import { concat } from '../bytes.ts'
import type { SetHeader } from '../types.ts'
import { decodeLabel, encodeLabel } from './label.ts'
import { damaged, uint, type WireReader } from './wire.ts'

/** Shamir in GF(2⁸), ChaCha20-Poly1305, BLAKE2b and Ed25519. */
const SUITE = 1

/** FORMAT.md, "Header". */
export function encodeHeader(header: SetHeader): Uint8Array {
  const label = encodeLabel(header.label)
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

/** @throws SECRET_SHARE_DAMAGED for what `split` cannot have made */
export function decodeHeader(reader: WireReader): SetHeader {
  if (reader.uint(1) !== SUITE) throw damaged()
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
