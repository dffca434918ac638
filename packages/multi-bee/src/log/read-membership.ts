import b4a from 'b4a'
import type { MembershipRecord } from '../merge/transaction.ts'
import {
  RECORD_ADD,
  RECORD_ADMIT,
  RECORD_AGAIN,
  RECORD_FORK,
  RECORD_GENESIS,
  RECORD_REMOVE,
  RECORD_SUCCEED
} from './encode.ts'
import { provenFork } from './fork-proof.ts'
import { MAX_CHAIN_BLOCKS, MAX_NAME_BYTES, MAX_RECORDS, MAX_RECORDS_PER_LOG } from './limits.ts'
import { isSuccession } from './succession.ts'
import type { WireReader } from './wire.ts'

/**
 * Throws when there are none, too many, or not such.
 *
 * @param before - how many there are in the log before these
 * @param successor - whose log opens with these records; `null` when they are further on
 */
export function readMembership(
  reader: WireReader,
  before: number,
  successor: Uint8Array | null
): MembershipRecord[] {
  const records: MembershipRecord[] = []
  const count = reader.uint()
  if (count === 0 || count > Math.min(MAX_RECORDS, MAX_RECORDS_PER_LOG - before))
    throw new Error('membership records')
  for (let i = 0; i < count; i++) records.push(readRecord(reader, i === 0 ? successor : null))
  return records
}

function readRecord(reader: WireReader, successor: Uint8Array | null): MembershipRecord {
  const type = reader.byte()
  if (type === RECORD_GENESIS) {
    const flags = reader.byte()
    if (flags > 3) throw new Error('genesis flags')
    const ownerKey = flags & 2 ? readKey(reader) : null
    return { type: 'genesis', deleteWins: (flags & 1) !== 0, ownerKey, name: reader.text(MAX_NAME_BYTES) }
  }
  const writer = readKey(reader)
  if (type === RECORD_ADD) return { type: 'add', writer, name: reader.text(MAX_NAME_BYTES) }
  if (type === RECORD_ADMIT) return { type: 'admit', writer }
  if (type === RECORD_AGAIN) return { type: 'again', writer, from: reader.uint() }
  if (type === RECORD_SUCCEED) {
    const signature = { publicKey: readKey(reader), signature: b4a.from(reader.bytes(64)) }
    const record = { type: 'succeed' as const, previous: writer, ...signature }
    if (successor === null || !isSuccession(record, successor)) throw new Error('not a succession')
    return record
  }
  if (type !== RECORD_REMOVE && type !== RECORD_FORK) throw new Error('unknown membership record')
  const cutOff = { length: reader.uint(), fork: reader.uint(), treeHash: readKey(reader) }
  if (type === RECORD_REMOVE) return { type: 'remove', writer, cutOff }
  const proof = b4a.from(reader.bytes(reader.uint()))
  const agreed = provenFork(proof, writer) - 1
  // It cuts at the beginning of a transaction, which may reach over the place.
  if (cutOff.length > agreed || cutOff.length <= agreed - MAX_CHAIN_BLOCKS) throw new Error('not that fork')
  return { type: 'fork', writer, cutOff, proof }
}

/** A copy: keys outlive their block, and a view would keep all of it in memory. */
export function readKey(reader: WireReader): Uint8Array {
  return b4a.from(reader.bytes(32))
}
