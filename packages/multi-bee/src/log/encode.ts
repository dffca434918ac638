import b4a from 'b4a'
import { ROOT } from '../merge/path.ts'
import type { MembershipRecord, Operation, Place } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import {
  CHAIN_BLOCK_BYTES,
  MAX_CHAIN_BLOCKS,
  MAX_OPERATIONS,
  MAX_RECORDS,
  MAX_RECORDS_PER_LOG,
  MAX_SEEN_VECTORS,
  MAX_TRANSACTION_BYTES
} from './limits.ts'
import type { LogState } from './log-state.ts'
import { WireWriter } from './wire.ts'

/** Version of the block format this package writes. */
export const FORMAT_VERSION = 1

export const FLAG_CONTINUATION = 1
export const FLAG_MEMBERSHIP = 2
export const FLAG_CHAIN = 4
export const FLAG_AGAIN = 8

export const OP_UNSET = 1
export const OP_OPAQUE = 2
export const OP_PATH = 4
export const OP_SEEN = 8

export const RECORD_GENESIS = 0
export const RECORD_ADD = 1
export const RECORD_REMOVE = 2
export const RECORD_FORK = 3
export const RECORD_SUCCEED = 4
export const RECORD_ADMIT = 5
export const RECORD_AGAIN = 6

/** A transaction about to be appended. */
export interface Draft {
  ms: number
  counter: number
  context: VersionVector
  again: Place | null
  membership: readonly MembershipRecord[]
  operations: readonly Operation[]
}

/** Blocks of one transaction, and the state of its log after it. */
export interface Encoded {
  blocks: Uint8Array[]
  state: LogState
}

/**
 * Encodes one transaction after `state`, byte by byte as FORMAT.md says.
 *
 * @returns null when it does not fit into one transaction
 */
export function encodeTransaction(draft: Draft, state: LogState, writers: WriterTable): Encoded | null {
  const records = state.records + draft.membership.length
  if (draft.membership.length > MAX_RECORDS || records > MAX_RECORDS_PER_LOG) return null
  const vectors = new Set(draft.operations.map(({ seen }) => seen))
  vectors.delete(null)
  if (draft.operations.length > MAX_OPERATIONS || vectors.size > MAX_SEEN_VECTORS) return null
  const table = [...state.table]
  const refOf = (id: number): number => {
    const known = table.indexOf(id)
    return known === -1 ? table.push(id) - 1 : known
  }
  const context = contextEntries(draft, state, refOf)
  const again = draft.again && ([refOf(draft.again.writer), draft.again.seq] as const)
  const chunks = operationChunks(draft.operations, refOf, writers)
  const introduced = table.slice(state.table.length).map((id) => writers.keyOf(id))
  if (chunks.length > MAX_CHAIN_BLOCKS) return null

  const first = new WireWriter()
  first.byte(FORMAT_VERSION)
  first.byte(
    (draft.membership.length > 0 ? FLAG_MEMBERSHIP : 0) |
      (chunks.length > 1 ? FLAG_CHAIN : 0) |
      (again === null ? 0 : FLAG_AGAIN)
  )
  first.uint48(draft.ms)
  first.uint16(draft.counter)
  if (chunks.length > 1) first.uint(chunks.length)
  first.uint(introduced.length)
  for (const key of introduced) first.bytes(key)
  first.uint(context.length)
  for (const [ref, length] of context) {
    first.uint(ref)
    first.uint(length)
  }
  for (const value of again ?? []) first.uint(value)
  if (draft.membership.length > 0) writeMembership(first, draft.membership)

  const blocks: Uint8Array[] = []
  for (const [i, chunk] of chunks.entries()) {
    const block = i === 0 ? first : new WireWriter()
    if (i > 0) {
      block.byte(FORMAT_VERSION)
      block.byte(FLAG_CONTINUATION)
    }
    block.uint(chunk.count)
    block.bytes(chunk.bytes)
    blocks.push(block.finish())
  }
  if (blocks.reduce((sum, block) => sum + block.byteLength, 0) > MAX_TRANSACTION_BYTES) return null
  const { ms, counter, context: last } = draft
  return { blocks, state: { ...state, table, context: last, ms, counter, records } }
}

/** What the context adds to the one before it in this log. */
function contextEntries(
  draft: Draft,
  state: LogState,
  refOf: (id: number) => number
): [ref: number, length: number][] {
  const entries: [number, number][] = []
  const self = state.table[0]
  for (let id = 0; id < draft.context.length; id++) {
    const length = lengthAt(draft.context, id)
    if (id !== self && length > lengthAt(state.context, id)) entries.push([refOf(id), length])
  }
  return entries
}

interface Chunk {
  count: number
  bytes: Uint8Array
}

function operationChunks(
  operations: readonly Operation[],
  refOf: (id: number) => number,
  writers: WriterTable
): Chunk[] {
  const chunks: Chunk[] = []
  let writer = new WireWriter()
  let count = 0
  for (const operation of operations) {
    if (
      count > 0 &&
      writer.length + operation.key.byteLength + (operation.value?.bytes.byteLength ?? 0) > CHAIN_BLOCK_BYTES
    ) {
      chunks.push({ count, bytes: writer.finish() })
      writer = new WireWriter()
      count = 0
    }
    writeOperation(writer, operation, refOf, writers)
    count++
  }
  chunks.push({ count, bytes: writer.finish() })
  return chunks
}

function writeOperation(
  writer: WireWriter,
  operation: Operation,
  refOf: (id: number) => number,
  writers: WriterTable
): void {
  const { key, path, value, seen } = operation
  const head =
    (value === null ? OP_UNSET : value.document ? 0 : OP_OPAQUE) |
    (path === ROOT ? 0 : OP_PATH) |
    (seen === null ? 0 : OP_SEEN)
  writer.byte(head)
  writer.sized(key)
  if (path !== ROOT) writer.sized(b4a.from(path))
  if (seen !== null) writeSeen(writer, seen, refOf, writers)
  if (value !== null) writer.sized(value.bytes)
}

function writeSeen(
  writer: WireWriter,
  seen: VersionVector,
  refOf: (id: number) => number,
  writers: WriterTable
): void {
  const entries: [number, number][] = []
  for (let id = 0; id < writers.size; id++)
    if (lengthAt(seen, id) > 0) entries.push([refOf(id), lengthAt(seen, id)])
  writer.uint(entries.length)
  for (const [ref, length] of entries) {
    writer.uint(ref)
    writer.uint(length)
  }
}

function writeMembership(writer: WireWriter, records: readonly MembershipRecord[]): void {
  writer.uint(records.length)
  for (const record of records) {
    if (record.type === 'genesis') {
      writer.byte(RECORD_GENESIS)
      writer.byte((record.deleteWins ? 1 : 0) | (record.ownerKey === null ? 0 : 2))
      if (record.ownerKey !== null) writer.bytes(record.ownerKey)
      writer.sized(b4a.from(record.name))
    } else if (record.type === 'add') {
      writer.byte(RECORD_ADD)
      writer.bytes(record.writer)
      writer.sized(b4a.from(record.name))
    } else if (record.type === 'admit') {
      writer.byte(RECORD_ADMIT)
      writer.bytes(record.writer)
    } else if (record.type === 'succeed') {
      writer.byte(RECORD_SUCCEED)
      writer.bytes(record.previous)
      writer.bytes(record.publicKey)
      writer.bytes(record.signature)
    } else if (record.type === 'again') {
      writer.byte(RECORD_AGAIN)
      writer.bytes(record.writer)
      writer.uint(record.from)
    } else {
      writer.byte(record.type === 'remove' ? RECORD_REMOVE : RECORD_FORK)
      writer.bytes(record.writer)
      writer.uint(record.cutOff.length)
      writer.uint(record.cutOff.fork)
      writer.bytes(record.cutOff.treeHash)
      if (record.type === 'fork') writer.sized(record.proof)
    }
  }
}
