import { readFileSync } from 'node:fs'
import b4a from 'b4a'
import { decodeTransaction, type DecodeResult } from '../../src/log/decode.ts'
import type { Draft } from '../../src/log/encode.ts'
import { initialLogState, type LogState } from '../../src/log/log-state.ts'
import { pathNames, pathOf } from '../../src/merge/path.ts'
import type * as merge from '../../src/merge/transaction.ts'
import { WriterTable } from '../../src/merge/writer-table.ts'

export type PlainValue = { document: string } | { opaque: string }
type PlainVector = Record<string, number>
type PlainDot = { writer: number; seq: number; index: number; ms: number; counter: number }

/** A transaction with keys in hex; zeros of contexts are left out. */
export interface PlainTransaction {
  seq: number
  length: number
  ms: number
  counter: number
  context: PlainVector
  again?: { writer: string; seq: number }
  membership: object[]
  operations: { key: string; path: string[]; value: PlainValue | null; seen?: PlainVector }[]
  malformed?: true
}

/** The content of `vectors/blocks-v1.json`. */
export interface BlockVectors {
  /** `readOnly`: not what the encoder makes of the transactions. `more`: what decoding the end says is missing. */
  logs: {
    name: string
    writer: string
    blocks: string[]
    transactions: PlainTransaction[]
    readOnly?: true
    more?: number
  }[]
  /** `after`: blocks before it. `next`: blocks behind it. `sound`: differs in the one thing the name says, and decodes. */
  malformed: { name: string; block: string; after?: string[]; next?: string[]; sound: string | null }[]
  unknown: { name: string; block: string; version: number }[]
  records: {
    name: string
    hex: string
    stored: {
      version: number
      shown: PlainValue | null
      whole?: PlainDot
      elements?: (PlainDot & { path: string; value: PlainValue | null })[]
      tombstones?: (PlainDot & { path: string; over: number[] })[]
    }
  }[]
  candidates: { name: string; hex: string; message: { writer: string; name: string } | null }[]
}

/** Own key of the logs that malformed blocks stand in. */
export const WRITER = '11'.repeat(32)

export function readBlockVectors(): BlockVectors {
  const text = readFileSync(new URL('../vectors/blocks-v1.json', import.meta.url), 'utf8')
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? expanded(value) : value
  ) as BlockVectors
}

/** `{text*n}` stands for n times the text. */
function expanded(text: string): string {
  return text.replace(/\{([^{}*]+)\*(\d+)\}/g, (_, part: string, times: string) => part.repeat(Number(times)))
}

export const fromHex = (hex: string): Uint8Array => b4a.from(hex, 'hex')
export const toHex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')

/** Reads a log from its first block to where it cannot be read on. */
export function decodeLog(
  writer: string,
  blocks: readonly Uint8Array[]
): { transactions: PlainTransaction[]; end: DecodeResult; state: LogState; writers: WriterTable } {
  const writers = new WriterTable()
  let state = initialLogState(writers.idOf(fromHex(writer)))
  const transactions: PlainTransaction[] = []
  for (let seq = 0; ;) {
    const result = decodeTransaction(seq, blocks.slice(seq), state, writers)
    if (!('transaction' in result)) return { transactions, end: result, state, writers }
    transactions.push({
      ...plainTransaction(result.transaction, writers),
      ...(result.malformed ? { malformed: true as const } : {})
    })
    seq += result.transaction.length
    state = result.state
  }
}

export function plainTransaction(transaction: merge.Transaction, writers: WriterTable): PlainTransaction {
  const { seq, length, ms, counter, again } = transaction
  const vector = (lengths: readonly number[]): PlainVector =>
    Object.fromEntries(
      lengths
        .map((blocks, id): [string, number] => [toHex(writers.keyOf(id)), blocks])
        .filter(([, blocks]) => blocks > 0)
    )
  return {
    seq,
    length,
    ms,
    counter,
    context: vector(transaction.context),
    ...(again === null ? {} : { again: { writer: toHex(writers.keyOf(again.writer)), seq: again.seq } }),
    membership: transaction.membership.map(hexed),
    operations: transaction.operations.map(({ key, path, value, seen }) => ({
      key: toHex(key),
      path: pathNames(path),
      value: value === null ? null : plainValue(value),
      ...(seen === null ? {} : { seen: vector(seen) })
    }))
  }
}

/** What the encoder is given to write it. */
export function draftOf(
  { ms, counter, context, again, membership, operations }: PlainTransaction,
  writers: WriterTable
): Draft {
  return {
    ms,
    counter,
    context: vectorOf(context, writers),
    again: again === undefined ? null : { writer: writers.idOf(fromHex(again.writer)), seq: again.seq },
    membership: membership.map(unhexed) as merge.MembershipRecord[],
    operations: operations.map(({ key, path, value, seen }) => ({
      key: fromHex(key),
      path: pathOf(path),
      value: value === null ? null : valueOf(value),
      seen: seen === undefined ? null : vectorOf(seen, writers)
    }))
  }
}

export function plainValue({ document, bytes }: merge.Value): PlainValue {
  return document ? { document: b4a.toString(bytes) } : { opaque: toHex(bytes) }
}

export function valueOf(plain: PlainValue): merge.Value {
  return 'document' in plain
    ? { document: true, bytes: b4a.from(plain.document) }
    : { document: false, bytes: fromHex(plain.opaque) }
}

function vectorOf(vector: PlainVector, writers: WriterTable): number[] {
  const lengths: number[] = []
  for (const [key, length] of Object.entries(vector)) {
    const id = writers.idOf(fromHex(key))
    while (lengths.length <= id) lengths.push(0)
    lengths[id] = length
  }
  return lengths
}

const BYTES = new Set(['writer', 'ownerKey', 'treeHash', 'previous', 'publicKey', 'signature', 'proof'])

function hexed(record: object): object {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, toHex(value)]
      return [name, typeof value === 'object' && value !== null ? hexed(value as object) : value]
    })
  )
}

function unhexed(record: object): object {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      if (typeof value === 'string' && BYTES.has(name)) return [name, fromHex(value)]
      return [name, typeof value === 'object' && value !== null ? unhexed(value as object) : value]
    })
  )
}
