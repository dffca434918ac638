import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { MAX_DEPTH } from '../merge/canonical-json.ts'
import { isCanonicalJson } from '../merge/canonical-text.ts'
import { isPath, ROOT } from '../merge/path.ts'
import { isLater } from '../merge/hybrid-clock.ts'
import type { MembershipRecord, Operation, Place, Transaction, Value } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import {
  FLAG_AGAIN,
  FLAG_CHAIN,
  FLAG_CONTINUATION,
  FLAG_MEMBERSHIP,
  FORMAT_VERSION,
  OP_OPAQUE,
  OP_PATH,
  OP_SEEN,
  OP_UNSET
} from './encode.ts'
import {
  MAX_BLOCK_BYTES,
  MAX_CHAIN_BLOCKS,
  MAX_KEY_BYTES,
  MAX_OPERATIONS,
  MAX_SEEN_VECTORS,
  MAX_TRANSACTION_BYTES,
  MAX_VALUE_BYTES,
  MAX_WRITERS_PER_LOG
} from './limits.ts'
import type { LogState } from './log-state.ts'
import { readKey, readMembership } from './read-membership.ts'
import { utf8Text, WireReader } from './wire.ts'

/**
 * Reads the blocks of one transaction, one after the other. Throws when one of them does not follow the format, and is of no use then.
 */
export class TransactionReader {
  /** Blocks of the transaction, and how many of them were read. */
  readonly length: number
  blocks = 1
  readonly #seq: number
  readonly #state: LogState
  readonly #writers: WriterTable
  readonly #time: { ms: number; counter: number }
  readonly #header: Header
  readonly #again: Place | null
  readonly #membership: MembershipRecord[]
  readonly #scope: Scope
  #bytes: number

  /** @param keeps - whether the operations are wanted, or only whether they are sound */
  constructor(seq: number, first: Uint8Array, state: LogState, writers: WriterTable, keeps: boolean) {
    this.#seq = seq
    this.#state = state
    this.#writers = writers
    this.#bytes = first.byteLength
    const reader = openBlock(first)
    const flags = reader.byte()
    if ((flags & ~(FLAG_MEMBERSHIP | FLAG_CHAIN | FLAG_AGAIN)) !== 0) throw new Error('unexpected flags')
    this.#time = { ms: reader.uint48(), counter: reader.uint16() }
    this.length = flags & FLAG_CHAIN ? reader.uint() : 1
    if (this.length < 1 || this.length > MAX_CHAIN_BLOCKS) throw new Error('chain length')
    if ((flags & FLAG_CHAIN) !== 0 && this.length < 2) throw new Error('chain of one')
    this.#header = readHeader(reader, seq, state, writers)
    this.#again = flags & FLAG_AGAIN ? readAgain(reader, this.#header) : null
    this.#membership =
      flags & FLAG_MEMBERSHIP
        ? readMembership(reader, state.records, seq === 0 ? writers.keyOf(state.table[0] ?? 0) : null)
        : []
    const { table, context } = this.#header
    this.#scope = { table, context, seen: new Map(), count: 0, operations: keeps ? [] : null }
    readOperations(reader, this.#scope)
  }

  /** The next block. */
  take(block: Uint8Array): void {
    this.#bytes += block.byteLength
    if (this.#bytes > MAX_TRANSACTION_BYTES) throw new Error('transaction size')
    const part = openBlock(block)
    if (part.byte() !== FLAG_CONTINUATION) throw new Error('chain is cut short')
    readOperations(part, this.#scope)
    this.blocks++
  }

  /** After the last block. */
  finish(): { transaction: Transaction; state: LogState } {
    const { table, context, introduced } = this.#header
    for (const key of introduced) this.#writers.idOf(key)
    const state = this.#state
    const time = this.#time
    const { ms, counter } = isLater(time, state) ? time : state
    const transaction = {
      writer: state.table[0] ?? 0,
      seq: this.#seq,
      length: this.length,
      ms,
      counter,
      context,
      again: this.#again,
      membership: this.#membership,
      operations: this.#scope.operations ?? []
    }
    const records = state.records + this.#membership.length
    return { transaction, state: { ...state, table, context, ms, counter, records } }
  }
}

function openBlock(block: Uint8Array): WireReader {
  if (block.byteLength > MAX_BLOCK_BYTES) throw new Error('block size')
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

/** The own log is no earlier one. */
function readAgain(reader: WireReader, { table }: Header): Place {
  const ref = reader.uint()
  const writer = table[ref]
  if (ref === 0 || writer === undefined) throw new Error('unknown writer that is done again')
  return { writer, seq: reader.uint() }
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

/** What the operations of one transaction share. */
interface Scope {
  table: readonly number[]
  context: VersionVector
  /** Vectors read so far, by their entries; or nothing but what tells them apart. */
  seen: Map<string, VersionVector>
  /** Operations read so far, and they themselves when they are wanted. */
  count: number
  operations: Operation[] | null
}

function readOperations(reader: WireReader, scope: Scope): void {
  const count = reader.uint()
  if (count > MAX_OPERATIONS - scope.count) throw new Error('too many operations')
  for (let i = 0; i < count; i++) {
    const operation = readOperation(reader, scope)
    scope.operations?.push(operation)
  }
  scope.count += count
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

function readSeen(reader: WireReader, { table, context, seen, operations }: Scope): VersionVector {
  const count = reader.uint()
  if (count > table.length) throw new Error('seen too long')
  const entries: [id: number, length: number][] = []
  for (let i = 0; i < count; i++) {
    const id = table[reader.uint()]
    if (id === undefined) throw new Error('unknown writer in seen')
    entries.push([id, Math.min(reader.uint(), lengthAt(context, id))])
  }
  const name = operations === null ? digestOf(entries.join()) : entries.join()
  const known = seen.get(name)
  if (known !== undefined) return known
  if (seen.size === MAX_SEEN_VECTORS) throw new Error('too many different seens')
  const vector: number[] = []
  for (const [id, length] of operations === null ? [] : entries) {
    while (vector.length <= id) vector.push(0)
    vector[id] = length
  }
  seen.set(name, vector)
  return vector
}

function digestOf(text: string): string {
  return b4a.toString(crypto.hash(b4a.from(text)), 'hex')
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
