/* oxlint-disable no-useless-concat -- each literal is one field of a block */
import b4a from 'b4a'
import c from 'compact-encoding'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeTransaction, type DecodeResult } from '../src/log/decode.ts'
import { encodeTransaction } from '../src/log/encode.ts'
import {
  MAX_CHAIN_BLOCKS,
  MAX_KEY_BYTES,
  MAX_OPERATIONS,
  MAX_SEEN_VECTORS,
  MAX_TRANSACTION_BYTES,
  MAX_VALUE_BYTES
} from '../src/log/limits.ts'
import { initialLogState, type LogState } from '../src/log/log-state.ts'
import { MAX_DEPTH } from '../src/merge/canonical-json.ts'
import { pathOf } from '../src/merge/path.ts'
import type { MembershipRecord, Operation } from '../src/merge/transaction.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import { canonicalJson } from './oracle/canonical-json.ts'
import { keyPairOf, WRITERS } from './oracle/values.ts'
import { hostileWorld } from './oracle/worlds.ts'
import {
  decodeLog,
  draftOf,
  fromHex,
  plainTransaction,
  readBlockVectors,
  WRITER,
  type PlainTransaction
} from './support/block-vectors.ts'
import { forkOf } from './support/fork-proofs.ts'
import { runs } from './support/property-runs.ts'
import { blocksOf } from './support/world-blocks.ts'

// Whoever is a member can sign any bytes and have them read by every device. What comes in here is such blocks.

/** How many results of one log are looked at, for logs that end in an endless run of the same. */
const MAX_RESULTS = 200

interface Read {
  results: (PlainTransaction | DecodeResult)[]
  keys: readonly Uint8Array[]
}

/** Reads a log to its end; everything that came out, in plain form. */
function read(blocks: readonly Uint8Array[], writer = WRITER): Read {
  const writers = new WriterTable()
  let state: LogState = initialLogState(writers.idOf(fromHex(writer)))
  const results: Read['results'] = []
  for (let seq = 0; seq < blocks.length && results.length < MAX_RESULTS;) {
    const result = decodeTransaction(seq, blocks.slice(seq), state, writers)
    if (!('transaction' in result)) {
      results.push(result)
      break
    }
    const { transaction, malformed } = result
    expect(transaction.seq).toBe(seq)
    expect(transaction.length).toBeGreaterThanOrEqual(1)
    expect(transaction.length).toBeLessThanOrEqual(MAX_CHAIN_BLOCKS)
    expect([result.state.ms, result.state.counter]).toEqual([transaction.ms, transaction.counter])
    if (malformed) {
      expect(transaction).toMatchObject({
        length: 1,
        ms: state.ms,
        counter: state.counter,
        membership: [],
        operations: []
      })
      expect(result.state).toEqual({ ...state, malformed: state.malformed + 1 })
    }
    results.push({
      ...plainTransaction(transaction, writers),
      ...(malformed ? { malformed: true as const } : {})
    })
    seq += transaction.length
    state = result.state
  }
  return { results, keys: writers.keys() }
}

/** Reads it twice, from buffers at different places, as two devices would. */
function readTwice(blocks: readonly Uint8Array[], writer = WRITER): Read {
  const copies = blocks.map((block) =>
    b4a.concat([b4a.from([0xff]), block, b4a.from([0xff])]).subarray(1, 1 + block.byteLength)
  )
  const [once, twice] = [read(blocks, writer), read(copies, writer)]
  expect(twice).toEqual(once)
  return once
}

/** What decodes can be written again, and then decodes to the same. */
function expectToReencode({ results }: Read, writer = WRITER): void {
  const writers = new WriterTable()
  let state = initialLogState(writers.idOf(fromHex(writer)))
  for (const result of results) {
    if (!('operations' in result)) return
    if (result.malformed === true) continue
    const encoded = encodeTransaction(draftOf(result, writers), state, writers)
    if (encoded === null) throw new Error('what was read cannot be written')
    // A chain of small blocks comes back as one block.
    const again = decodeTransaction(result.seq, encoded.blocks, state, writers)
    if (!('transaction' in again)) throw new Error('what was written cannot be read')
    expect(again.malformed).toBe(false)
    expect({ ...plainTransaction(again.transaction, writers), length: result.length }).toEqual(result)
    state = { ...again.state, context: encoded.state.context }
  }
}

const { logs } = readBlockVectors()
/** Logs short enough to be mutated by the thousand. */
const seeds = logs
  .map(({ blocks }) => blocks.map(fromHex))
  .filter((blocks) => blocks.every(({ byteLength }) => byteLength < 20_000))

/** A fork with a proof that holds, told at a length near the place where the copies differ, most often one at which it may be. */
interface ToldFork {
  writer: string
  agreed: number
  back: number
}

const toldFork: fc.Arbitrary<ToldFork> = fc
  .record({
    writer: fc.constantFrom(...WRITERS),
    agreed: fc.oneof(fc.nat(130), fc.nat(2 ** 33), fc.nat(2 ** 48 - 1)),
    back: fc.oneof({ weight: 3, arbitrary: fc.nat(63) }, fc.integer({ min: -2, max: 80 }))
  })
  .filter(({ agreed, back }) => back <= agreed)

function blockOf(forks: readonly ToldFork[]): Uint8Array {
  const membership = forks.map(({ writer, agreed, back }): MembershipRecord => ({
    type: 'fork',
    writer: fromHex(writer),
    cutOff: { length: agreed - back, fork: 0, treeHash: b4a.alloc(32, back) },
    proof: forkOf(keyPairOf(writer), agreed).proof
  }))
  const draft = { ms: 1, counter: 0, context: [], again: null, membership, operations: [] }
  const encoded = encodeTransaction(draft, initialLogState(0), new WriterTable())
  return encoded?.blocks[0] as Uint8Array
}

const log: fc.Arbitrary<{ writer: string; blocks: Uint8Array[] }> = fc.oneof(
  fc.array(toldFork, { minLength: 1, maxLength: 3 }).map((forks) => ({
    writer: WRITER,
    blocks: [blockOf(forks), blockOf(forks.slice(0, 1))]
  })),
  fc.constantFrom(...seeds).map((blocks) => ({ writer: WRITER, blocks })),
  hostileWorld({ maxTransactions: 16 }).chain((world) => {
    const all = [...blocksOf(world)]
      .filter(([, blocks]) => blocks.length > 0)
      .map(([writer, blocks]) => ({ writer, blocks }))
    return fc.constantFrom(...all)
  })
)

interface Mutation {
  block: number
  at: number
  kind: 'change' | 'flip' | 'insert' | 'delete' | 'cut' | 'repeat'
  byte: number
}

const mutation = fc.record<Mutation>({
  block: fc.nat(),
  at: fc.nat(),
  kind: fc.constantFrom('change', 'flip', 'insert', 'delete', 'cut', 'repeat'),
  byte: fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 4, 0x22, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff),
    fc.nat(255)
  )
})

function mutated(blocks: readonly Uint8Array[], mutations: readonly Mutation[]): Uint8Array[] {
  const result = blocks.map((block) => [...block])
  for (const { block, at, kind, byte } of mutations) {
    const bytes = result[block % result.length] as number[]
    const place = bytes.length === 0 ? 0 : at % bytes.length
    if (kind === 'change') bytes[place] = byte
    else if (kind === 'flip') bytes[place] = (bytes[place] ?? 0) ^ (1 << (byte % 8))
    else if (kind === 'insert') bytes.splice(place, 0, byte)
    else if (kind === 'delete') bytes.splice(place, 1)
    else if (kind === 'cut') bytes.length = place
    else bytes.splice(place, 0, ...bytes.slice(place, place + (byte % 40)))
  }
  return result.map((bytes) => b4a.from(bytes))
}

describe('any bytes at all', () => {
  test('are read without a throw, the same way everywhere', () => {
    const block = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 4 }), (blocks) => void readTwice(blocks)),
      runs(1500)
    )
  })

  test('behind a true header too', () => {
    const head = '0100' + '010000000000' + '0000'
    const tail = fc.uint8Array({ minLength: 1, maxLength: 120 })
    const lead = fc.constantFrom(
      head,
      head + '0000',
      head + '000001',
      head + '00000100016b',
      head + '00000104016b',
      head.replace('0100', '0102') + '000001',
      head.replace('0100', '0104') + '02'
    )
    fc.assert(
      fc.property(lead, tail, (start, end) =>
        expectToReencode(readTwice([b4a.concat([fromHex(start), end]), fromHex('010100')]))
      ),
      runs(1500)
    )
  })
})

describe('sound blocks with a few bytes changed', () => {
  test('are malformed, unknown, cut short, or what they say can be written again', () => {
    let sound = 0
    let refused = 0
    fc.assert(
      fc.property(
        log,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        ({ writer, blocks }, mutations) => {
          const found = readTwice(mutated(blocks, mutations), writer)
          expectToReencode(found, writer)
          for (const result of found.results) {
            if ('operations' in result && result.malformed !== true) sound++
            else refused++
          }
        }
      ),
      runs(1500)
    )
    // Both happen, or the mutations say nothing.
    expect(sound).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(0)
  })

  test('never name a writer that no sound block names', () => {
    fc.assert(
      fc.property(
        log,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        ({ writer, blocks }, mutations) => {
          const changed = mutated(blocks, mutations)
          const { results, keys } = readTwice(changed, writer)
          const introduced = results.reduce((sum, result, i) => {
            if (!('operations' in result) || result.malformed === true) return sum
            const block = changed[
              results
                .slice(0, i)
                .reduce((seq, before) => seq + ('operations' in before ? before.length : 0), 0)
            ] as Uint8Array
            return sum + introducedBy(block)
          }, 0)
          expect(keys.length).toBeLessThanOrEqual(1 + introduced)
        }
      ),
      runs(500)
    )
  })
})

/** How many writers a sound first block of a transaction introduces. */
function introducedBy(block: Uint8Array): number {
  const state = { start: 10, end: block.byteLength, buffer: block }
  if (((block[1] ?? 0) & 4) !== 0) c.uint.decode(state)
  return c.uint.decode(state)
}

describe('forks with proofs that hold', () => {
  test('are read when each is told at one of the 64 lengths up to where its copies differ, and only then', () => {
    let refused = 0
    const forks = fc.array(toldFork, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(forks, (told) => {
        const found = readTwice([blockOf(told)])
        const [result] = found.results as [PlainTransaction]
        const isSound = told.every(({ back }) => back >= 0 && back < 64)
        if (!isSound) refused++
        expect(result.malformed).toBe(isSound ? undefined : true)
        expect(result.membership).toHaveLength(isSound ? told.length : 0)
        expectToReencode(found)
      }),
      runs(300)
    )
    expect(refused).toBeGreaterThan(0)
  })

  test('prove nothing once a byte of the proof is another, but for the length at which the copies differ', () => {
    const change = { at: fc.nat(), byte: fc.integer({ min: 1, max: 255 }) }
    fc.assert(
      fc.property(fc.record({ told: toldFork, ...change }), ({ told, at, byte }) => {
        const block = b4a.from(blockOf([{ ...told, back: Math.min(Math.max(told.back, 0), 63) }]))
        // The last byte says that there are no operations.
        const { byteLength } = forkOf(keyPairOf(told.writer), told.agreed).proof
        const start = block.byteLength - 1 - byteLength
        // Made-up copies differ at every length, and a smaller one may be made of the same nodes: then it is proven, too.
        const differing = 32 + c.encode(c.uint, told.agreed + 1).byteLength
        const offset = at % byteLength
        const place = start + (offset >= 32 && offset < differing ? 0 : offset)
        block[place] = (block[place] ?? 0) ^ byte
        expect(read([block]).results).toMatchObject([{ malformed: true }])
      }),
      runs(500)
    )
  })
})

describe('hostile counts and lengths', () => {
  const huge = [
    'fdffff',
    'feffffffff',
    'ffffffffffffff1f00',
    'ff00000000000020' + '00',
    'ffffffffffffffffff',
    'ff0000000000000080',
    'fc',
    'ff'
  ]
  const time = '010000000000' + '0000'
  const places: [name: string, before: string, after: string][] = [
    ['blocks of a chain', '0104' + time, '000000'],
    ['introduced writers', '0100' + time, '0000'],
    ['raises', '0100' + time + '00', '00'],
    ['a writer in a context', '0100' + time + '00' + '01', '0100'],
    ['a length in a context', '0100' + time + '01' + '22'.repeat(32) + '01' + '01', '00'],
    ['membership records', '0102' + time + '0000', '0000' + '00' + '00'],
    ['a name', '0102' + time + '0000' + '01' + '0000', '00'],
    ['a cut-off', '0102' + time + '0000' + '01' + '02' + '22'.repeat(32), '00' + '22'.repeat(32) + '00'],
    ['a fork', '0102' + time + '0000' + '01' + '02' + '22'.repeat(32) + '00', '22'.repeat(32) + '00'],
    [
      'a proof of a fork',
      '0102' + time + '0000' + '01' + '03' + '22'.repeat(32) + '0000' + '22'.repeat(32),
      '22'.repeat(32) + '00'
    ],
    ['operations', '0100' + time + '0000', '01016b'],
    ['a key', '0100' + time + '0000' + '01' + '01', '6b'],
    ['a path', '0100' + time + '0000' + '01' + '05016b', '22612200'],
    ['a value', '0100' + time + '0000' + '01' + '00016b', '31'],
    ['an opaque value', '0100' + time + '0000' + '01' + '02016b', '31'],
    ['a seen', '0100' + time + '0000' + '01' + '09016b', '0000'],
    ['a writer in a seen', '0100' + time + '0000' + '01' + '09016b' + '01', '00'],
    ['a length in a seen', '0100' + time + '0000' + '01' + '09016b' + '01' + '00', '']
  ]

  test.each(places)(
    'of %s cost nothing, which a reader that counts up to them would not end',
    (_, before, after) => {
      for (const number of huge)
        expectToReencode(readTwice([fromHex(before + number + after), fromHex('010100')]))
    }
  )

  test('a block of a million of the shortest operations is read, which a reader that is quadratic would not end', () => {
    const count = 1_000_000
    const block = b4a.concat([
      fromHex('0100' + time + '0000'),
      c.encode(c.uint, count),
      b4a.from('0100'.repeat(count), 'hex')
    ])
    const result = decodeTransaction(0, [block], initialLogState(0), new WriterTable())
    expect('transaction' in result && result.transaction.operations.length).toBe(count)
  })

  test('operations that name the last of many writers share what they had seen, and there is an end to what they do not share', () => {
    const keys = Array.from({ length: 1023 }, (_, i) => fromHex(i.toString(16).padStart(64, '0')))
    const head = b4a.concat([
      fromHex('0100' + time),
      c.encode(c.uint, keys.length),
      ...keys,
      fromHex('01' + 'fdff03' + 'feffffffff')
    ])
    const seen = (length: number): Uint8Array =>
      b4a.concat([fromHex('090001fdff03'), c.encode(c.uint, length)])
    const block = (lengths: readonly number[]): Uint8Array =>
      b4a.concat([head, c.encode(c.uint, lengths.length), ...lengths.map(seen)])
    const count = (lengths: readonly number[]): number => {
      const result = decodeTransaction(0, [block(lengths)], initialLogState(0), tableOf(fromHex(WRITER)))
      const operations = 'transaction' in result && !result.malformed ? result.transaction.operations : []
      expect(operations.every(({ seen }) => seen?.length === 1024)).toBe(true)
      return new Set(operations.map(({ seen }) => seen)).size
    }
    expect(count(Array.from({ length: 100_000 }, (_, i) => i % 7))).toBe(7)
    expect(count(Array.from({ length: MAX_SEEN_VECTORS }, (_, i) => i))).toBe(MAX_SEEN_VECTORS)
    expect(count(Array.from({ length: MAX_SEEN_VECTORS + 1 }, (_, i) => i))).toBe(0)
  })

  test('a chain of more than 64 MiB is malformed, however sound its parts are', () => {
    const value = b4a.alloc(MAX_VALUE_BYTES, '1'.charCodeAt(0))
    value[0] = value[MAX_VALUE_BYTES - 1] = '"'.charCodeAt(0)
    const operation = b4a.concat([fromHex('01' + '00' + '016b'), c.encode(c.uint, value.byteLength), value])
    const isRead = (length: number): boolean => {
      const first = b4a.concat([fromHex('0104' + time), c.encode(c.uint, length), fromHex('0000' + '00')])
      const next = b4a.concat([fromHex('0101'), operation])
      const blocks = [first, ...Array.from({ length: length - 1 }, () => next)]
      const result = decodeTransaction(0, blocks, initialLogState(0), new WriterTable())
      return 'transaction' in result && !result.malformed
    }
    const fitting = Math.floor(MAX_TRANSACTION_BYTES / operation.byteLength)
    expect(isRead(1 + fitting)).toBe(true)
    expect(isRead(2 + fitting)).toBe(false)
  })

  test('the encoder writes nothing that is over the limits', () => {
    const operation = (seen: number[] | null): Operation => ({
      key: b4a.from('k'),
      path: '',
      value: null,
      seen
    })
    const encode = (operations: Operation[]): boolean => {
      const draft = { ms: 1, counter: 0, context: [0, 99_999], again: null, membership: [], operations }
      return encodeTransaction(draft, initialLogState(0), tableOf(fromHex(WRITER), b4a.alloc(32, 2))) !== null
    }
    const distinct = (length: number): Operation[] => Array.from({ length }, (_, i) => operation([0, i + 1]))
    expect(encode([...distinct(MAX_SEEN_VECTORS), operation(null), operation(null)])).toBe(true)
    expect(encode(distinct(MAX_SEEN_VECTORS + 1))).toBe(false)
    const [one] = distinct(1) as [Operation]
    expect(encode(Array.from({ length: MAX_OPERATIONS }, () => one))).toBe(true)
    expect(encode(Array.from({ length: MAX_OPERATIONS + 1 }, () => one))).toBe(false)
  })

  test('brackets without end do not reach a recursive parser, nor one that is quadratic, which would not end', () => {
    for (const text of [
      '['.repeat(4_000_000),
      '{"a":'.repeat(1_000_000),
      '"'.repeat(3_000_000),
      '['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1)
    ]) {
      expect(isMalformed(blockWith(text))).toBe(true)
    }
    expect(isMalformed(blockWith('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)))).toBe(false)
    // Brackets in strings are letters.
    expect(isMalformed(blockWith(JSON.stringify('[{'.repeat(1000) + '"\\')))).toBe(false)
  })
})

describe('a value is read exactly when it is canonical', () => {
  /** JSON as somebody else might write it. */
  const sloppyJson = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).map((value) => JSON.stringify(value, null, 1)),
    fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).map((value) => canonicalJson(value)),
    fc.constantFrom(
      '1.0',
      '1e5',
      '-0',
      '0',
      '1E2',
      '+1',
      '01',
      '.5',
      '1.',
      'NaN',
      '"\\u0041"',
      '"\\u00e9"',
      '"\\uD800"',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '{"a":1,"a":1}',
      '{"b":1,"a":1}',
      '{"a":1 }',
      '[1,]',
      '',
      ' ',
      'null',
      'nul',
      '{"__proto__":1}'
    ),
    fc.double().map((number) => String(number)),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.string({ maxLength: 12 })
  )

  test('whatever text it is', () => {
    fc.assert(
      fc.property(sloppyJson, (text) => {
        const bytes = b4a.from(text)
        let canonical = false
        try {
          // By the oracle's own words, which know nothing of the decoder.
          canonical = canonicalJson(JSON.parse(text)) === text
        } catch {
          canonical = false
        }
        expect(isMalformed(blockWith(bytes))).toBe(!canonical)
      }),
      runs(2000)
    )
  })

  test('bytes that are not UTF-8 are malformed, also where they would be repaired to something sound', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        const block = blockWith(b4a.concat([b4a.from('"'), bytes, b4a.from('"')]))
        const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
        if (!b4a.equals(b4a.from(text), bytes)) expect(isMalformed(block)).toBe(true)
      }),
      runs(1000)
    )
    for (const hex of [
      'c080',
      'eda080',
      'edb080',
      'eda081edb080',
      'f4908080',
      'f8888080',
      'c3',
      '80',
      'fe',
      'ff',
      'efbfbe22'
    ]) {
      const block = blockWith(b4a.concat([b4a.from('"'), fromHex(hex), b4a.from('"')]))
      expect([hex, isMalformed(block)]).toEqual([hex, true])
    }
    expect(isMalformed(blockWith('"\uFFFD"'))).toBe(false)
  })
})

describe('random transactions', () => {
  const writers = Array.from({ length: 6 }, (_, i) =>
    b4a.from((i * 40 + 5).toString(16).padStart(2, '0').repeat(32), 'hex')
  )
  const length = fc.oneof(
    fc.nat(300),
    fc.nat(2 ** 33),
    fc.constantFrom(0, 1, 252, 253, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER)
  )
  const vector = fc.array(length, { minLength: writers.length, maxLength: writers.length })
  const name = fc.string({ unit: 'binary', maxLength: 8 })
  const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => b4a.from(bytes))
  const deviceName = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .filter((text) => b4a.toString(b4a.from(text)) === text)

  const record: fc.Arbitrary<MembershipRecord> = fc.oneof(
    fc.record({
      type: fc.constant('genesis' as const),
      deleteWins: fc.boolean(),
      ownerKey: fc.option(key32),
      name: deviceName
    }),
    fc.record({ type: fc.constant('add' as const), writer: key32, name: deviceName }),
    fc.record({
      type: fc.constant('remove' as const),
      writer: key32,
      cutOff: fc.record({ length, fork: length, treeHash: key32 })
    }),
    fc.record({ type: fc.constant('again' as const), writer: key32, from: length })
  )

  const documentBytes = fc
    .jsonValue({ noUnicodeString: false })
    .map((value) => b4a.from(canonicalJson(value)))
  const operation: fc.Arbitrary<{
    key: Uint8Array
    path: string[]
    value: Operation['value']
    lowered: number[] | null
  }> = fc.record({
    key: fc.oneof(
      { weight: 20, arbitrary: fc.uint8Array({ maxLength: 20 }) },
      { weight: 1, arbitrary: fc.constant(b4a.alloc(MAX_KEY_BYTES)) }
    ),
    path: fc.array(name, { maxLength: 4 }),
    value: fc.oneof(
      documentBytes.map((bytes) => ({ document: true, bytes })),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ document: false, bytes })),
      fc.constant(null)
    ),
    lowered: fc.option(vector)
  })

  const transaction = fc.record({
    ms: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 48 - 1 })),
    counter: fc.nat(65535),
    gains: fc.array(fc.option(fc.oneof(fc.nat(5), fc.nat(70000), fc.nat(2 ** 34))), {
      minLength: writers.length,
      maxLength: writers.length
    }),
    again: fc.option(fc.record({ other: fc.nat(writers.length - 2), seq: length })),
    membership: fc.array(record, { maxLength: 3 }),
    operations: fc.array(operation, { maxLength: 5 })
  })

  test('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(transaction, { minLength: 1, maxLength: 5 }),
        fc.nat(writers.length - 1),
        (list, self) => {
          const [writing, reading] = [new WriterTable(), new WriterTable()]
          // Numbers are local: the two devices have met the writers in different orders.
          for (const key of writers) writing.idOf(key)
          for (const key of [...writers].reverse()) reading.idOf(key)
          const translate = (lengths: readonly number[]): number[] => {
            const result = writers.map(() => 0)
            for (const [id, blocks] of lengths.entries()) result[reading.idOf(writing.keyOf(id))] = blocks
            return result
          }
          const padded = (lengths: readonly number[]): number[] => writers.map((_, id) => lengths[id] ?? 0)
          let state = initialLogState(self)
          let readState = initialLogState(reading.idOf(writers[self] as Uint8Array))
          const reached = writers.map(() => 0)
          let [ms, counter] = [0, 0]
          for (const [seq, { gains, again: done, membership, operations, ...time }] of list.entries()) {
            for (const [id, gain] of gains.entries()) reached[id] = (reached[id] ?? 0) + (gain ?? 0)
            reached[self] = seq
            const context = [...reached]
            const again = done && { writer: done.other < self ? done.other : done.other + 1, seq: done.seq }
            const drafted = operations.map(({ key, path, value, lowered }): Operation => ({
              key,
              path: pathOf(value?.document === false ? [] : path),
              value,
              seen: lowered === null ? null : lowered.map((blocks, id) => Math.min(blocks, context[id] ?? 0))
            }))
            const encoded = encodeTransaction(
              { ...time, context, again, membership, operations: drafted },
              state,
              writing
            )
            const result = encoded && decodeTransaction(seq, encoded.blocks, readState, reading)
            if (encoded === null || result === null || !('transaction' in result))
              throw new Error('it does not come back')
            if (time.ms > ms || (time.ms === ms && time.counter > counter))
              [ms, counter] = [time.ms, time.counter]
            expect(result.malformed).toBe(false)
            const { transaction } = result
            expect([transaction.seq, transaction.length, transaction.ms, transaction.counter]).toEqual([
              seq,
              encoded.blocks.length,
              ms,
              counter
            ])
            expect(printed(transaction.membership)).toBe(printed(membership))
            expect(padded(transaction.context)).toEqual(translate(context))
            expect(
              transaction.again && {
                ...transaction.again,
                writer: writing.idOf(reading.keyOf(transaction.again.writer))
              }
            ).toEqual(again)
            expect(
              printed(
                transaction.operations.map(({ seen, ...rest }) => ({ ...rest, seen: seen && padded(seen) }))
              )
            ).toBe(printed(drafted.map(({ seen, ...rest }) => ({ ...rest, seen: seen && translate(seen) }))))
            state = encoded.state
            readState = result.state
          }
        }
      ),
      runs(400)
    )
  })

  test('logs of hostile worlds come back, block by block', () => {
    fc.assert(
      fc.property(hostileWorld(), (world) => {
        for (const [writer, blocks] of blocksOf(world)) {
          const { transactions, end } = decodeLog(writer, blocks)
          expect(end).toEqual({ more: 1 })
          expect(transactions.some(({ malformed }) => malformed)).toBe(false)
          expect(transactions.map(({ seq, length }) => [seq, length])).toEqual(
            world.logs[writer]?.map(({ seq, length }) => [seq, length])
          )
          expectToReencode(readTwice(blocks, writer), writer)
        }
      }),
      runs(100)
    )
  })
})

function tableOf(...keys: Uint8Array[]): WriterTable {
  const writers = new WriterTable()
  for (const key of keys) writers.idOf(key)
  return writers
}

/** As text, since comparing megabytes of bytes element by element takes minutes. */
function printed(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name, plain: unknown) {
    const original = this[name]
    return original instanceof Uint8Array ? b4a.toString(original, 'hex') : plain
  })
}

function blockWith(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === 'string' ? b4a.from(value) : value
  return b4a.concat([
    fromHex('0100' + '010000000000' + '0000' + '0000' + '01' + '00016b'),
    c.encode(c.uint, bytes.byteLength),
    bytes
  ])
}

function isMalformed(block: Uint8Array): boolean {
  const result = decodeTransaction(0, [block], initialLogState(0), new WriterTable())
  return 'transaction' in result && result.malformed
}
