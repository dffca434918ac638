import { describe, expect, test } from 'vitest'
import { decodeTransaction } from '../src/log/decode.ts'
import { encodeTransaction } from '../src/log/encode.ts'
import { initialLogState } from '../src/log/log-state.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import type { Register } from '../src/merge/register.ts'
import { decodeCandidate, encodeCandidate } from '../src/pairing/candidate-message.ts'
import { decodeRecord, encodeRecord, recordShown, recordVersion, type Stored } from '../src/view/record.ts'
import {
  decodeLog,
  draftOf,
  fromHex,
  plainValue,
  readBlockVectors,
  toHex,
  valueOf,
  WRITER,
  type BlockVectors
} from './support/block-vectors.ts'

// The vectors were written by another encoder, from FORMAT.md. They pin version 1 for good: when one of these tests fails, the code is wrong.

const vectors = readBlockVectors()

test('there are enough of them', () => {
  expect(vectors.logs.length).toBeGreaterThanOrEqual(15)
  expect(vectors.malformed.length).toBeGreaterThanOrEqual(25)
})

describe('a log is read as', () => {
  test.each(vectors.logs)('$name', ({ writer, blocks, transactions, more = 1 }) => {
    const decoded = decodeLog(writer, blocks.map(fromHex))
    expect(decoded.transactions).toEqual(transactions)
    expect(decoded.end).toEqual({ more })
  })
})

describe('a log is written as', () => {
  test.each(vectors.logs.filter(({ readOnly }) => readOnly !== true))(
    '$name',
    ({ writer, blocks, transactions }) => {
      const writers = new WriterTable()
      let state = initialLogState(writers.idOf(fromHex(writer)))
      const written: string[] = []
      for (const transaction of transactions) {
        const encoded = encodeTransaction(draftOf(transaction, writers), state, writers)
        if (encoded === null) throw new Error('it does not fit')
        expect(encoded.blocks.length).toBe(transaction.length)
        written.push(...encoded.blocks.map(toHex))
        state = encoded.state
      }
      // Not `toEqual`, which prints megabytes.
      expect(written.map(digest)).toEqual(blocks.map(digest))
      expect(written.every((block, i) => block === blocks[i])).toBe(true)
      // Whoever goes on after reading goes on like the one who wrote.
      const read = decodeLog(writer, blocks.map(fromHex))
      const names = (table: readonly number[], keys: WriterTable): string[] =>
        table.map((id) => toHex(keys.keyOf(id)))
      expect(names(read.state.table, read.writers)).toEqual(names(state.table, writers))
      expect([read.state.ms, read.state.counter]).toEqual([state.ms, state.counter])
    }
  )
})

describe('a block that does not follow the format is one block in which nothing happened:', () => {
  test.each(vectors.malformed)('$name', ({ block, after = [], next = [], sound }) => {
    const blocks = [...after, block, ...next].map(fromHex)
    const { transactions } = decodeLog(WRITER, blocks)
    const before = transactions[after.length - 1]
    expect(transactions[after.length]).toEqual({
      seq: after.length,
      length: 1,
      ms: before?.ms ?? 0,
      counter: before?.counter ?? 0,
      context: after.length === 0 ? {} : { ...before?.context, [WRITER]: after.length },
      membership: [],
      operations: [],
      malformed: true
    })
    expect(transactions.slice(0, after.length).every(({ malformed }) => malformed !== true)).toBe(true)
    if (sound === null) return
    // Proof that it is refused for what its name says.
    const twin = decodeLog(WRITER, [...after, sound].map(fromHex))
    if ('more' in twin.end && twin.end.more > 1) return
    expect(twin.transactions[after.length]?.malformed).toBe(undefined)
    expect(twin.transactions.length).toBe(after.length + 1)
  })

  test('it names no writers either', () => {
    const writers = new WriterTable()
    const state = initialLogState(writers.idOf(fromHex(WRITER)))
    const introducing = vectors.malformed.filter(({ name }) => /twice|not introduced/.test(name))
    expect(introducing.length).toBe(3)
    for (const { block } of introducing) decodeTransaction(0, [fromHex(block)], state, writers)
    expect(writers.size).toBe(1)
  })

  test('keys that outlive it keep nothing else of it in memory', () => {
    const [, owned] = vectors.logs
    const writers = new WriterTable()
    const bytes = fromHex(owned?.blocks[0] ?? '')
    const result = decodeTransaction(0, [bytes], initialLogState(writers.idOf(fromHex(WRITER))), writers)
    const [genesis] = 'transaction' in result ? result.transaction.membership : []
    const ownerKey = genesis?.type === 'genesis' ? genesis.ownerKey : null
    bytes.fill(0)
    expect(ownerKey && toHex(ownerKey)).toBe('22'.repeat(32))
  })
})

describe('a block of another format version ends the readable part of its log:', () => {
  test.each(vectors.unknown)('$name', ({ block, version }) => {
    const first = '01000100000000000000000000'
    const { transactions, end } = decodeLog(WRITER, [first, block, first].map(fromHex))
    expect(transactions.length).toBe(1)
    expect(end).toEqual({ unknown: version })
  })
})

describe('a record of the view', () => {
  test.each(vectors.records)('$name', ({ hex, stored }) => {
    expect(toHex(encodeRecord(storedOf(stored)))).toBe(hex)
    const record = fromHex(hex)
    expect(decodeRecord(record)).toEqual(storedOf(stored))
    expect(recordVersion(record)).toBe(stored.version)
    const { version, shown } = recordShown(record)
    expect({ version, shown: shown && plainValue(shown) }).toEqual({
      version: stored.version,
      shown: stored.shown
    })
  })
})

describe('a pairing message', () => {
  test.each(vectors.candidates)('$name', ({ hex, message }) => {
    const decoded = decodeCandidate(fromHex(hex))
    expect(decoded && { writer: toHex(decoded.writer), name: decoded.name }).toEqual(message)
    if (message !== null)
      expect(toHex(encodeCandidate({ writer: fromHex(message.writer), name: message.name }))).toBe(hex)
  })
})

function storedOf({
  version,
  shown,
  whole,
  elements = [],
  tombstones = []
}: BlockVectors['records'][number]['stored']): Stored {
  const value = shown === null ? null : valueOf(shown)
  if (whole !== undefined && value !== null)
    return { version, shown: value, register: { whole: { ...whole, value }, elements: [], tombstones: [] } }
  const all = elements.map((element) => ({
    ...element,
    value: element.value === null ? null : valueOf(element.value)
  }))
  const register: Register = {
    whole: null,
    elements: all,
    tombstones: tombstones.map(({ over, ...tombstone }) => ({
      ...tombstone,
      over: over.flatMap((i) => all[i] ?? [])
    }))
  }
  return { version, shown: value, register }
}

function digest(hex: string): string {
  return hex.length < 2000 ? hex : `${hex.slice(0, 200)}…${hex.slice(-200)} (${hex.length / 2} bytes)`
}
