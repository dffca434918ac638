import b4a from 'b4a'
import { isCanonicalJson, MAX_DEPTH } from '../merge/canonical-json.ts'
import { isPath, ROOT } from '../merge/path.ts'
import type { MembershipRecord, Operation, Transaction, Value } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import {
  FLAG_CHAIN,
  FLAG_CONTINUATION,
  FLAG_MEMBERSHIP,
  FORMAT_VERSION,
  OP_OPAQUE,
  OP_PATH,
  OP_SEEN,
  OP_UNSET,
  RECORD_ADD,
  RECORD_ADMIT,
  RECORD_FORK,
  RECORD_GENESIS,
  RECORD_REMOVE,
  RECORD_SUCCEED
} from './encode.ts'
import {
  MAX_BLOCK_BYTES,
  MAX_CHAIN_BLOCKS,
  MAX_KEY_BYTES,
  MAX_NAME_BYTES,
  MAX_TRANSACTION_BYTES,
  MAX_OPERATIONS,
  MAX_SEEN_VECTORS,
  MAX_VALUE_BYTES,
  MAX_WRITERS_PER_LOG
} from './limits.ts'
import type { LogState } from './log-state.ts'
import { isSuccession } from './succession.ts'
import { utf8Text, WireReader } from './wire.ts'

/** A transaction read from a log, and the state of the log after it. */
export interface Decoded {
  transaction: Transaction
  state: LogState
  /** Its bytes do not follow the format, so it is a block without content. */
  malformed: boolean
}

/** `more`: a chain of `length` blocks, of which not all are here. `unknown`: a format version this package does not read. */
export type DecodeResult = Decoded | { more: number } | { unknown: number }

/**
 * Reads the transaction that starts at `seq`.
 *
 * @param blocks - what is known of the log from `seq` on; borrowed, values are views into them
 */
export function decodeTransaction(
  seq: number,
  blocks: readonly Uint8Array[],
  state: LogState,
  writers: WriterTable
): DecodeResult {
  const [first] = blocks
  if (first === undefined) return { more: 1 }
  const version = first[0]
  if (version !== undefined && version !== FORMAT_VERSION) return { unknown: version }
  try {
    return decodeChain(seq, blocks, state, writers)
  } catch {
    return malformed(seq, state)
  }
}

/** Deterministic stand-in for a block that does not decode: nothing happened, at the time of the one before it. */
function malformed(seq: number, state: LogState): Decoded {
  const { ms, counter } = state
  const writer = state.table[0] ?? 0
  const context = withLength(state.context, writer, seq)
  return {
    transaction: { writer, seq, length: 1, ms, counter, context, membership: [], operations: [] },
    state,
    malformed: true
  }
}

function decodeChain(
  seq: number,
  blocks: readonly Uint8Array[],
  state: LogState,
  writers: WriterTable
): DecodeResult {
  const reader = openBlock(blocks[0])
  const flags = reader.byte()
  if ((flags & ~(FLAG_MEMBERSHIP | FLAG_CHAIN)) !== 0) throw new Error('unexpected flags')
  const time = { ms: reader.uint48(), counter: reader.uint16() }
  const length = flags & FLAG_CHAIN ? reader.uint() : 1
  if (length < 1 || length > MAX_CHAIN_BLOCKS) throw new Error('chain length')
  if ((flags & FLAG_CHAIN) !== 0 && length < 2) throw new Error('chain of one')

  const header = readHeader(reader, seq, state, writers)
  const successor = seq === 0 ? writers.keyOf(state.table[0] ?? 0) : null
  const membership = flags & FLAG_MEMBERSHIP ? readMembership(reader, successor) : []
  const scope: Scope = { table: header.table, context: header.context, seen: new Map() }
  const operations: Operation[] = []
  readOperations(reader, scope, operations)
  let bytes = blocks[0]?.byteLength ?? 0
  for (let i = 1; i < length; i++) {
    if (i >= blocks.length) return { more: length }
    bytes += blocks[i]?.byteLength ?? 0
    if (bytes > MAX_TRANSACTION_BYTES) throw new Error('transaction size')
    const part = openBlock(blocks[i])
    if (part.byte() !== FLAG_CONTINUATION) throw new Error('chain is cut short')
    readOperations(part, scope, operations)
  }

  for (const key of header.introduced) writers.idOf(key)
  const { table, context } = header
  const later = time.ms > state.ms || (time.ms === state.ms && time.counter > state.counter)
  const { ms, counter } = later ? time : state
  const transaction = {
    writer: state.table[0] ?? 0,
    seq,
    length,
    ms,
    counter,
    context,
    membership,
    operations
  }
  return { transaction, state: { table, context, ms, counter }, malformed: false }
}

function openBlock(block: Uint8Array | undefined): WireReader {
  if (block === undefined || block.byteLength > MAX_BLOCK_BYTES) throw new Error('block size')
  const reader = new WireReader(block)
  if (reader.byte() !== FORMAT_VERSION) throw new Error('version inside a chain')
  return reader
}

interface Header {
  table: readonly number[]
  context: VersionVector
  /** Keys that `table` has numbers for already, and that become known only when all of the transaction has proved to be sound. */
  introduced: readonly Uint8Array[]
}

function readHeader(reader: WireReader, seq: number, state: LogState, writers: WriterTable): Header {
  const introduced = reader.uint()
  if (introduced > MAX_WRITERS_PER_LOG - state.table.length) throw new Error('too many writers')
  const keys: Uint8Array[] = []
  for (let i = 0; i < introduced; i++) keys.push(readKey(reader))
  const count = reader.uint()
  if (count > MAX_WRITERS_PER_LOG) throw new Error('context too long')
  const raises: [ref: number, length: number][] = []
  for (let i = 0; i < count; i++) {
    const ref = reader.uint()
    if (ref === 0 || ref >= state.table.length + introduced) throw new Error('unknown writer in context')
    raises.push([ref, reader.uint()])
  }
  let context: VersionVector = withLength(state.context, state.table[0] ?? 0, seq)
  if (introduced === 0 && count === 0) return { table: state.table, context, introduced: keys }

  const table = introduced === 0 ? state.table : [...state.table, ...numbersOf(keys, writers)]
  if (introduced > 0 && new Set(table).size !== table.length) throw new Error('writer introduced twice')
  for (const [ref, length] of raises) {
    const id = table[ref] ?? 0
    if (length > lengthAt(context, id)) context = withLength(context, id, length)
  }
  return { table, context, introduced: keys }
}

/** The numbers that the keys have, or will have once they are known in this order. */
function numbersOf(keys: readonly Uint8Array[], writers: WriterTable): number[] {
  const fresh = new Map<string, number>()
  return keys.map((key) => {
    const known = writers.find(key)
    if (known !== -1) return known
    const hex = b4a.toString(key, 'hex')
    const number = fresh.get(hex) ?? writers.size + fresh.size
    fresh.set(hex, number)
    return number
  })
}

/** A copy: keys outlive their block, and a view would keep all of it in memory. */
function readKey(reader: WireReader): Uint8Array {
  return b4a.from(reader.bytes(32))
}

/** What the operations of one transaction share. */
interface Scope {
  table: readonly number[]
  context: VersionVector
  /** Vectors read so far, by their entries. */
  seen: Map<string, VersionVector>
}

function readOperations(reader: WireReader, scope: Scope, into: Operation[]): void {
  const count = reader.uint()
  if (count > MAX_OPERATIONS - into.length) throw new Error('too many operations')
  for (let i = 0; i < count; i++) into.push(readOperation(reader, scope))
  if (!reader.isAtEnd) throw new Error('bytes after the last operation')
}

function readOperation(reader: WireReader, scope: Scope): Operation {
  const head = reader.byte()
  if ((head & ~(OP_UNSET | OP_OPAQUE | OP_PATH | OP_SEEN)) !== 0) throw new Error('unexpected operation')
  const opaque = (head & OP_OPAQUE) !== 0
  const unset = (head & OP_UNSET) !== 0
  if (opaque && (unset || (head & OP_PATH) !== 0)) throw new Error('opaque values are whole entries')
  const key = sized(reader, MAX_KEY_BYTES)
  const pathBytes = head & OP_PATH ? sized(reader, MAX_VALUE_BYTES) : null
  const path = pathBytes === null ? ROOT : utf8Text(pathBytes)
  if ((head & OP_PATH) !== 0 && (path === ROOT || !isPath(path, MAX_DEPTH))) throw new Error('path')
  const seen = head & OP_SEEN ? readSeen(reader, scope) : null
  return {
    key,
    path,
    value: unset ? null : readValue(reader, opaque, MAX_VALUE_BYTES - (pathBytes?.byteLength ?? 0)),
    seen
  }
}

function readSeen(reader: WireReader, { table, context, seen }: Scope): VersionVector {
  const count = reader.uint()
  if (count > table.length) throw new Error('seen too long')
  const entries: [id: number, length: number][] = []
  for (let i = 0; i < count; i++) {
    const id = table[reader.uint()]
    if (id === undefined) throw new Error('unknown writer in seen')
    entries.push([id, Math.min(reader.uint(), lengthAt(context, id))])
  }
  const name = entries.join()
  const known = seen.get(name)
  if (known !== undefined) return known
  if (seen.size === MAX_SEEN_VECTORS) throw new Error('too many different seens')
  const vector: number[] = []
  for (const [id, length] of entries) {
    while (vector.length <= id) vector.push(0)
    vector[id] = length
  }
  seen.set(name, vector)
  return vector
}

function readValue(reader: WireReader, opaque: boolean, maxBytes: number): Value {
  const bytes = sized(reader, maxBytes)
  if (!opaque && !isCanonicalJson(utf8Text(bytes))) throw new Error('not a canonical document')
  return { document: !opaque, bytes }
}

function sized(reader: WireReader, max: number): Uint8Array {
  const length = reader.uint()
  if (length > max) throw new Error('too long')
  return reader.bytes(length)
}

/** @param successor - whose log opens with these records; `null` when they are further on */
function readMembership(reader: WireReader, successor: Uint8Array | null): MembershipRecord[] {
  const records: MembershipRecord[] = []
  const count = reader.uint()
  if (count === 0 || count > MAX_WRITERS_PER_LOG) throw new Error('membership records')
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
  if (type === RECORD_SUCCEED) {
    const record = {
      type: 'succeed' as const,
      previous: writer,
      publicKey: readKey(reader),
      signature: b4a.from(reader.bytes(64))
    }
    if (successor === null || !isSuccession(record, successor)) throw new Error('not a succession')
    return record
  }
  if (type !== RECORD_REMOVE && type !== RECORD_FORK) throw new Error('unknown membership record')
  return {
    type: type === RECORD_REMOVE ? 'remove' : 'fork',
    writer,
    cutOff: { length: reader.uint(), fork: reader.uint(), treeHash: readKey(reader) }
  }
}
