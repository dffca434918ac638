import b4a from 'b4a'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import { decodeTransaction } from '../../src/log/decode.ts'
import { encodeTransaction, FLAG_CHAIN, FLAG_CONTINUATION, FORMAT_VERSION } from '../../src/log/encode.ts'
import { initialLogState } from '../../src/log/log-state.ts'
import { pathNames, pathOf } from '../../src/merge/path.ts'
import type * as merge from '../../src/merge/transaction.ts'
import { WriterTable } from '../../src/merge/writer-table.ts'
import type { Membership, Operation, Transaction, World } from '../oracle/types.ts'
import { keyPairOf } from '../oracle/values.ts'
import { forkOf } from './fork-proofs.ts'

/** The wire has no negative times; moving all of them changes no order. */
const TIME_OFFSET = 10

const bytes = (hex: string): Uint8Array => b4a.from(hex, 'hex')
const hex = (value: Uint8Array): string => b4a.toString(value, 'hex')

/** Encodes a world's logs, as devices would have written them. */
export function blocksOf({ logs }: World): Map<string, Uint8Array[]> {
  const writers = new WriterTable()
  return new Map(Object.entries(logs).map(([writer, log]) => [writer, encodeLog(writer, log, writers)]))
}

function encodeLog(writer: string, log: Transaction[], writers: WriterTable): Uint8Array[] {
  let state = initialLogState(writers.idOf(bytes(writer)))
  return log.flatMap((transaction) => {
    const context = vectorOf({ ...transaction.context, [writer]: transaction.seq }, writers)
    const encoded = encodeTransaction(
      {
        ms: transaction.ms + TIME_OFFSET,
        counter: transaction.counter,
        context,
        again: null,
        membership: transaction.membership.map((record) => recordOf(record, writer)),
        operations: transaction.operations.map((operation) => operationOf(operation, writers))
      },
      state,
      writers
    )
    if (encoded?.blocks.length !== 1) throw new Error('a transaction of a world fits into one block')
    state = encoded.state
    return chained(encoded.blocks[0] as Uint8Array, transaction.length)
  })
}

/** Stretches a block into a chain of so many. */
function chained(block: Uint8Array, length: number): Uint8Array[] {
  if (length === 1) return [block]
  const time = 2 + 6 + 2
  const head = b4a.from(block.subarray(0, time))
  head[1] = (head[1] ?? 0) | FLAG_CHAIN
  const first = b4a.concat([head, c.encode(c.uint, length), block.subarray(time)])
  return [
    first,
    ...Array.from({ length: length - 1 }, () => b4a.from([FORMAT_VERSION, FLAG_CONTINUATION, 0]))
  ]
}

function operationOf(operation: Operation, writers: WriterTable): merge.Operation {
  const value = operation.type === 'unset' ? null : operation.value
  return {
    key: bytes(operation.key),
    path: pathOf(operation.path),
    value:
      value === null
        ? null
        : value.kind === 'document'
          ? { document: true, bytes: b4a.from(value.text) }
          : { document: false, bytes: bytes(value.hex) },
    seen: operation.seen === undefined ? null : vectorOf(operation.seen, writers)
  }
}

/** A record of the log `author`. */
function recordOf(record: Membership, author: string): merge.MembershipRecord {
  if (record.type === 'genesis')
    return { ...record, ownerKey: record.ownerKey === null ? null : bytes(record.ownerKey) }
  if (record.type === 'add' || record.type === 'again') return { ...record, writer: bytes(record.writer) }
  if (record.type === 'succeed') return succession(record.previous, author)
  if (record.type === 'admit') return { type: 'admit', writer: bytes(record.writer) }
  const cut = {
    writer: bytes(record.writer),
    cutOff: { length: record.length, fork: 0, treeHash: b4a.alloc(32) }
  }
  if (record.type === 'remove') return { type: 'remove', ...cut }
  return { type: 'fork', ...cut, proof: forkOf(keyPairOf(record.writer), record.length).proof }
}

/** Signed by the log that is left, over its key and the key of the one that goes on. */
export function succession(previous: string, author: string): merge.Succession {
  const { publicKey, secretKey } = keyPairOf(previous)
  const message = [b4a.from('cloudpal/multi-bee/succeed/1'), bytes(previous), bytes(author)]
  return {
    type: 'succeed',
    previous: bytes(previous),
    publicKey,
    signature: crypto.sign(b4a.concat(message), secretKey)
  }
}

function vectorOf(vector: Record<string, number>, writers: WriterTable): number[] {
  const result: number[] = []
  for (const [writer, length] of Object.entries(vector)) {
    const id = writers.idOf(bytes(writer))
    while (result.length <= id) result.push(0)
    result[id] = length
  }
  return result
}

/** Reads logs back into a world. Only whole transactions. */
export function worldOf(first: string, logs: ReadonlyMap<string, readonly Uint8Array[]>): World {
  const writers = new WriterTable()
  const world: World = { first, logs: {} }
  for (const [writer, blocks] of logs) world.logs[writer] = decodeLog(writer, blocks, writers)
  return world
}

function decodeLog(writer: string, blocks: readonly Uint8Array[], writers: WriterTable): Transaction[] {
  let state = initialLogState(writers.idOf(bytes(writer)))
  const log: Transaction[] = []
  for (let seq = 0; seq < blocks.length;) {
    const result = decodeTransaction(seq, blocks.slice(seq), state, writers)
    if (!('transaction' in result)) break
    const { transaction } = result
    const vector = (lengths: readonly number[]): Record<string, number> =>
      Object.fromEntries(
        lengths
          .map((length, id): [string, number] => [hex(writers.keyOf(id)), length])
          .filter(([, length]) => length > 0)
      )
    log.push({
      seq,
      length: transaction.length,
      ms: transaction.ms,
      counter: transaction.counter,
      context: vector(transaction.context),
      membership: transaction.membership.map(plainRecord),
      operations: transaction.operations.map(({ key, path, value, seen }) => ({
        ...(value === null
          ? { type: 'unset' as const }
          : {
              type: 'assign' as const,
              value: value.document
                ? { kind: 'document' as const, text: b4a.toString(value.bytes) }
                : { kind: 'opaque' as const, hex: hex(value.bytes) }
            }),
        key: hex(key),
        path: pathNames(path),
        ...(seen === null ? {} : { seen: vector(seen) })
      }))
    })
    seq += transaction.length
    state = result.state
  }
  return log
}

function plainRecord(record: merge.MembershipRecord): Membership {
  if (record.type === 'genesis')
    return { ...record, ownerKey: record.ownerKey === null ? null : hex(record.ownerKey) }
  if (record.type === 'add' || record.type === 'again') return { ...record, writer: hex(record.writer) }
  if (record.type === 'succeed') return { type: 'succeed', previous: hex(record.previous) }
  if (record.type === 'admit') return { type: 'admit', writer: hex(record.writer) }
  return { type: record.type, writer: hex(record.writer), length: record.cutOff.length }
}
