import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { collect, replicate, testCleanup, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import c from 'compact-encoding'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { describe, expect, test } from 'vitest'
import { MultiBee, type MultiBeeErrorCode } from '../src/index.ts'
import {
  expectCode,
  expectThrown,
  failureOf,
  openDevice,
  openReplica,
  untilShown,
  writerKeyOf
} from './support/devices.ts'

/** What a caller without types may pass. */
const wrong = (value: unknown): never => value as never

const KIB = 1024
const MIB = 1024 * KIB

/** Whether the database reads and writes as ever. */
async function expectWorking(db: MultiBee): Promise<void> {
  await db.put('still', { works: true })
  expect((await db.get('still'))?.value).toEqual({ works: true })
  await db.del('still')
}

/** A document that nests so deep. */
function nested(depth: number): unknown {
  let value: unknown = 0
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

describe('a key', () => {
  test.each([[5], [null], [undefined], [true], [{}], [b4a.from('a')], [Symbol('a')]])(
    'of utf-8 is a string, not %s',
    async (key) => {
      const db = await openDevice()
      const { version } = db
      await expectCode(db.put(wrong(key), 1), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.get(wrong(key)), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.del(wrong(key)), 'MULTI_BEE_BAD_KEY')
      await expectCode(
        db.update(wrong(key), () => 1),
        'MULTI_BEE_BAD_KEY'
      )
      await expectCode(db.conflicts(wrong(key)), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.resolve(wrong(key), [], 1), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.getAndWatch(wrong(key)), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.batch().put(wrong(key), 1), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.batch().del(wrong(key)), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.batch().get(wrong(key)), 'MULTI_BEE_BAD_KEY')
      expect(db.version).toBe(version)
      await expectWorking(db)
    }
  )

  test.each([['\ud800'], ['a\udc00b'], ['\udc00\ud800']])(
    'of utf-8 has no unpaired surrogates: %j',
    async (key) => {
      const db = await openDevice()
      await expectCode(db.put(key, 1), 'MULTI_BEE_BAD_KEY')
      await expectCode(db.get(key), 'MULTI_BEE_BAD_KEY')
      await db.put('\u{1f600}\ufffd', 1)
      await expectWorking(db)
    }
  )

  test('of binary is bytes, or a string', async () => {
    const db = await openDevice<unknown>({ keyEncoding: 'binary' })
    for (const key of [5, null, undefined, {}, [1]]) await expectCode(db.put(key, 1), 'MULTI_BEE_BAD_KEY')
    await db.put('text', 1)
    expect((await db.get(b4a.from('text')))?.value).toBe(1)
  })

  test('of json or a codec is what the encoding takes', async () => {
    const json = await openDevice<unknown>({ keyEncoding: 'json' })
    for (const key of [undefined, 1n, () => 1]) await expectCode(json.put(key, 1), 'MULTI_BEE_BAD_KEY')
    const coded = await openDevice<unknown>({ keyEncoding: c.fixed32 })
    for (const key of ['text', null, b4a.alloc(5)]) await expectCode(coded.put(key, 1), 'MULTI_BEE_BAD_KEY')
    await coded.put(b4a.alloc(32), 1)
  })

  test('in a range is refused like any other', async () => {
    const db = await openDevice()
    expectThrown(() => db.createReadStream({ gt: wrong(5) }), 'MULTI_BEE_BAD_KEY')
    expectThrown(() => db.createDiffStream(1, { lte: wrong({}) }), 'MULTI_BEE_BAD_KEY')
    await expectCode(db.peek({ gte: '\ud800' }), 'MULTI_BEE_BAD_KEY')
    expectThrown(() => db.watch({ lt: wrong(5) }), 'MULTI_BEE_BAD_KEY')
    await expectCode(collect(db.createHistoryStream({ gt: wrong(5) })), 'MULTI_BEE_BAD_KEY')
    await expectWorking(db)
  })

  test('has at most 16 KiB, a prefix included', async () => {
    const db = await openDevice()
    const longest = 'x'.repeat(16 * KIB)
    await db.put(longest, 1)
    expect((await db.get(longest))?.key).toBe(longest)
    await expectCode(db.put(`${longest}x`, 1), 'MULTI_BEE_TOO_LARGE')
    await expectCode(db.put('é'.repeat(8 * KIB + 1), 1), 'MULTI_BEE_TOO_LARGE')
    await expectCode(db.sub('s').put(longest, 1), 'MULTI_BEE_TOO_LARGE')
    await expectWorking(db)
  })
})

describe('a value', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle

  test.each([
    ['a cycle', cycle],
    ['a bigint', 1n],
    ['a bigint inside', { n: [1n] }],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a toJSON that throws', { toJSON: () => expect.fail() }],
    ['129 levels', nested(129)],
    ['100,000 levels', nested(100_000)]
  ])('of json is not %s', async (_, value) => {
    const db = await openDevice()
    await db.put('a', { before: 1 })
    const { version } = db
    await expectCode(db.put('a', value), 'MULTI_BEE_BAD_VALUE')
    await expectCode(
      db.update('a', () => value),
      'MULTI_BEE_BAD_VALUE'
    )
    await expectCode(db.resolve('a', ['before'], value), 'MULTI_BEE_BAD_VALUE')
    await expectCode(db.batch().put('a', value), 'MULTI_BEE_BAD_VALUE')
    expect((await db.get('a'))?.value).toEqual({ before: 1 })
    expect(db.version).toBe(version)
    await expectWorking(db)
  })

  test('of json may have 128 levels, and unpaired surrogates', async () => {
    const db = await openDevice()
    await db.put('a', nested(128))
    expect((await db.get('a'))?.value).toEqual(nested(128))
    await db.put('a', { toJSON: () => nested(128) })
    await expectCode(db.put('a', { toJSON: () => nested(129) }), 'MULTI_BEE_BAD_VALUE')
    await db.put('b', { '\ud800': '\udfff' })
    expect((await db.get('b'))?.value).toEqual({ '\ud800': '\udfff' })
  })

  test('of another encoding is what the encoding takes', async () => {
    const db = await openDevice()
    await expectCode(db.put('a', 5, { valueEncoding: 'binary' }), 'MULTI_BEE_BAD_VALUE')
    await expectCode(db.put('a', [1], { valueEncoding: 'binary' }), 'MULTI_BEE_BAD_VALUE')
    await expectCode(db.put('a', 'text', { valueEncoding: c.fixed32 }), 'MULTI_BEE_BAD_VALUE')
    await expectWorking(db)
  })

  test('that does not decode keeps nobody from what stands before it', async () => {
    const db = await openDevice()
    for (const key of ['a', 'b', 'c']) await db.put(key, 1)
    await db.put('d', 'no json', { valueEncoding: 'utf-8' })
    const read: string[] = []
    const reading = (async () => {
      for await (const { key } of db.createReadStream()) read.push(key)
    })()
    await expectCode(reading, 'MULTI_BEE_DECODE_FAILED')
    expect(read).toEqual(['a', 'b', 'c'])
    expect((await db.peek())?.key).toBe('a')
  })

  test('that does not decode says so, and others do', async () => {
    const db = await openDevice()
    await db.put('a', 'not json', { valueEncoding: 'utf-8' })
    await db.put('b', 1)
    await expectCode(db.get('a'), 'MULTI_BEE_DECODE_FAILED')
    await expectCode(collect(db.createReadStream()), 'MULTI_BEE_DECODE_FAILED')
    expect((await db.get('b'))?.value).toBe(1)
    await db.put(wrong(b4a.from([255])), 1, { keyEncoding: 'binary' })
    await expectCode(
      collect(db.createReadStream({}, { keyEncoding: 'json', valueEncoding: 'utf-8' })),
      'MULTI_BEE_DECODE_FAILED'
    )
    await expectWorking(db)
  })

  test('has at most 8 MiB', async () => {
    const db = await openDevice({ valueEncoding: 'utf-8' })
    const longest = 'x'.repeat(8 * MIB)
    await db.put('a', longest)
    expect((await db.get('a'))?.value).toBe(longest)
    await expectCode(db.put('a', `${longest}x`), 'MULTI_BEE_TOO_LARGE')
    await expectCode(db.put('b', longest, { valueEncoding: 'json' }), 'MULTI_BEE_TOO_LARGE')
    await expectCode(db.batch().put('b', `${longest}x`), 'MULTI_BEE_TOO_LARGE')
    expect((await db.get('a'))?.value).toBe(longest)
    expect(await db.get('b')).toBe(null)
  })
})

describe('a batch', () => {
  test('over 64 MiB is refused as a whole, and one below is not', async () => {
    const db = await openDevice<string, Uint8Array>({ valueEncoding: 'binary' })
    await db.put('before', b4a.from('1'))
    const { version } = db
    const big = db.batch()
    for (let i = 0; i < 65; i++) await big.put(`k${i}`, b4a.alloc(MIB, i))
    await big.del('before')
    await expectCode(big.flush(), 'MULTI_BEE_TOO_LARGE')
    expect(db.version).toBe(version)
    expect((await collect(db.createReadStream())).map(({ key }) => key)).toEqual(['before'])
    const fits = db.batch()
    for (let i = 0; i < 60; i++) await fits.put(`k${i}`, b4a.alloc(MIB - 64, i))
    await fits.flush()
    expect(db.version).toBe(version + 1)
    expect(b4a.equals((await db.get('k59'))?.value ?? b4a.alloc(0), b4a.alloc(MIB - 64, 59))).toBe(true)
  })

  test('over 64 MiB in few large values is refused', async () => {
    const db = await openDevice<string, Uint8Array>({ valueEncoding: 'binary' })
    const big = db.batch()
    for (let i = 0; i < 9; i++) await big.put(`k${i}`, b4a.alloc(8 * MIB - 64, i))
    await expectCode(big.flush(), 'MULTI_BEE_TOO_LARGE')
  })

  test('is closed after flush and after close', async () => {
    const db = await openDevice()
    const flushed = db.batch()
    await flushed.put('a', 1)
    await flushed.flush()
    const closed = db.batch()
    await closed.put('a', 2)
    await closed.close()
    await closed.close()
    for (const batch of [flushed, closed]) {
      await expectCode(batch.put('b', 1), 'MULTI_BEE_BATCH_CLOSED')
      await expectCode(batch.del('a'), 'MULTI_BEE_BATCH_CLOSED')
      await expectCode(batch.get('a'), 'MULTI_BEE_BATCH_CLOSED')
      await expectCode(batch.flush(), 'MULTI_BEE_BATCH_CLOSED')
    }
    expect((await db.get('a'))?.value).toBe(1)
  })

  test('that refused one write keeps the others', async () => {
    const db = await openDevice()
    const batch = db.batch()
    await batch.put('a', 1)
    await expectCode(batch.put('b', 1n), 'MULTI_BEE_BAD_VALUE')
    await batch.flush()
    expect((await collect(db.createReadStream())).map(({ key }) => key)).toEqual(['a'])
  })

  test('that is flushed twice at once is written once', async () => {
    const db = await openDevice()
    const batch = db.batch()
    await batch.put('a', 1)
    const { version } = db
    const [first, second] = await Promise.allSettled([batch.flush(), batch.flush()])
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'MULTI_BEE_BATCH_CLOSED' } })
    expect(db.version).toBe(version + 1)
  })
})

describe('options', () => {
  test.each<[string, unknown]>([
    ['a key of 31 bytes', { key: b4a.alloc(31) }],
    ['a key that is no hex and no z-base-32', { key: 'x' }],
    ['a key that is a number', { key: 5 }],
    ['a key that is null', { key: null }],
    ['an encryptionKey of 5 bytes', { encryptionKey: b4a.alloc(5) }],
    ['an encryptionKey that is a boolean', { encryptionKey: true }],
    ['an ownerKey of 31 bytes', { ownerKey: b4a.alloc(31) }],
    ['a name that is a number', { name: 5 }],
    ['a name that is null', { name: null }],
    ['a name of 257 bytes', { name: 'x'.repeat(257) }],
    ['a name of 129 times two bytes', { name: 'é'.repeat(129) }],
    ['a clock that is a number', { clock: 5 }],
    ['an unknown keyEncoding', { keyEncoding: 'utf-9' }],
    ['an unknown valueEncoding', { valueEncoding: 'yaml' }],
    ['a keyEncoding that is a number', { keyEncoding: 5 }],
    ['a codec that cannot decode', { valueEncoding: { encode: () => b4a.alloc(0) } }]
  ])('of a database are not %s', async (_, options) => {
    const store = await tmpStore()
    expectThrown(() => new MultiBee(store, wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectWorking(await openDevice({ store }))
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['a string', 'utf-8'],
    ['an unknown keyEncoding', { keyEncoding: 'utf-9' }],
    ['an unknown valueEncoding', { valueEncoding: 'yaml' }]
  ])('of a call are not %s', async (_, options) => {
    const db = await openDevice()
    await expectCode(db.get('a', wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(db.put('a', 1, wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(db.del('a', wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(db.conflicts('a', wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(db.resolve('a', [], 1, wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(
      db.update('a', () => 1, wrong(options)),
      'MULTI_BEE_BAD_ARGUMENT'
    )
    expectThrown(() => db.snapshot(wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    expectThrown(() => db.watch({}, wrong(options)), 'MULTI_BEE_BAD_ARGUMENT')
    await expectWorking(db)
  })

  test('cas, change, limit, prefix and path are checked', async () => {
    const db = await openDevice()
    await db.put('a', { n: 1 })
    await expectCode(db.put('a', 2, { cas: wrong('yes') }), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(db.del('a', { cas: wrong(5) }), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(db.update('a', wrong(5)), 'MULTI_BEE_BAD_ARGUMENT')
    expectThrown(() => db.createReadStream({}, { limit: wrong('5') }), 'MULTI_BEE_BAD_ARGUMENT')
    expectThrown(() => db.createReadStream({}, { limit: Number.NaN }), 'MULTI_BEE_BAD_ARGUMENT')
    expectThrown(() => db.sub(wrong(5)), 'MULTI_BEE_BAD_ARGUMENT')
    expectThrown(() => db.sub('s', { sep: wrong(5) }), 'MULTI_BEE_BAD_ARGUMENT')
    expectThrown(() => db.sub('s', { valueEncoding: wrong('yaml') }), 'MULTI_BEE_BAD_ARGUMENT')
    for (const path of ['n', null, undefined, 5, [5], ['n', null], Array.from({ length: 129 }, () => 'n')]) {
      await expectCode(db.resolve('a', wrong(path), 1), 'MULTI_BEE_BAD_ARGUMENT')
    }
    await expectCode(db.resolve('a', ['n'], 1, { valueEncoding: 'utf-8' }), 'MULTI_BEE_BAD_ARGUMENT')
    expect((await db.get('a'))?.value).toEqual({ n: 1 })
    await expectWorking(db)
  })

  test('a cas or change that throws rejects that write with its error, and no other', async () => {
    const db = await openDevice()
    await db.put('a', 1)
    const failure = new Error('mine')
    const fail = (): never => {
      throw failure
    }
    const writes = await Promise.allSettled([
      db.put('b', 1),
      db.put('a', 2, { cas: fail }),
      db.del('a', { cas: () => Promise.reject(failure) }),
      db.put('c', 1)
    ])
    expect(writes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(writes[1]).toMatchObject({ reason: failure })
    expect(await failureOf(db.update('a', fail))).toBe(failure)
    await db.update('a', (value) => (value as number) + 1)
    expect((await db.get('a'))?.value).toBe(2)
    await expectWorking(db)
  })
})

describe('what the database itself is given', () => {
  const cases: [string, (db: MultiBee) => unknown][] = [
    ['no store', () => new MultiBee(wrong(null)).ready()],
    ['a store that is a string', () => new MultiBee(wrong('./store')).ready()],
    ['options that are null', async () => new MultiBee(await tmpStore(), wrong(null)).ready()],
    ['synced without a peer', (db) => db.synced(wrong(undefined))],
    ['addWriter with null for options', (db) => db.addWriter(b4a.alloc(32, 1), wrong(null))],
    ['removeWriter with null for options', (db) => db.removeWriter(b4a.alloc(32, 1), wrong(null))],
    ['mirror without a bee', (db) => db.mirror(wrong(null))],
    ['mirror with what is no bee', (db) => db.mirror(wrong({}))],
    ['replicate with a number', (db) => db.replicate(wrong(5))],
    ['replicate with null', (db) => db.replicate(wrong(null))],
    ['replicate with an object that is no stream', (db) => db.replicate(wrong({}))]
  ]

  test.each(cases)('is checked: %s', async (_, run) => {
    const db = await openDevice()
    await expectCode(Promise.resolve(db).then(run), 'MULTI_BEE_BAD_ARGUMENT')
    await expectWorking(db)
  })
})

test('a stream without range or options may have null in their places', async () => {
  const db = await openDevice()
  await db.put('a', 1)
  const nothing = wrong(null)
  expect(await collect(db.createReadStream(nothing, nothing))).toHaveLength(1)
  expect(await collect(db.createDiffStream(1, nothing, nothing))).toHaveLength(1)
  expect(await collect(db.createHistoryStream(nothing))).toHaveLength(1)
})

describe('base', () => {
  test('is the very entry that was read from this database', async () => {
    const db = await openDevice()
    const other = await openDevice()
    await db.put('a', { n: 1 })
    await other.put('a', { n: 1 })
    const entry = await db.get('a')
    const { version } = db
    await db.put('b', 1)
    const bases: unknown[] = [
      { ...entry },
      structuredClone(entry),
      await db.checkout(version).get('a'),
      null,
      5,
      'a',
      {},
      (await collect(db.createDiffStream(0)))[0]?.left
    ]
    for (const base of bases) {
      await expectCode(db.put('a', { n: 2 }, { base: wrong(base) }), 'MULTI_BEE_BAD_BASE')
      await expectCode(db.del('a', { base: wrong(base) }), 'MULTI_BEE_BAD_BASE')
      await expectCode(db.batch().put('a', { n: 2 }, { base: wrong(base) }), 'MULTI_BEE_BAD_BASE')
    }
    expect((await db.get('a'))?.value).toEqual({ n: 1 })
    if (entry !== null) await db.put('a', { n: 2 }, { base: entry })
    expect((await db.get('a'))?.value).toEqual({ n: 2 })
  })

  test('may come from get, peek, a stream, a snapshot or a batch', async () => {
    const db = await openDevice()
    await db.put('a', { n: 0, kept: 0 })
    const snapshot = db.snapshot()
    const [streamed] = await collect(db.createReadStream())
    const bases = [
      await db.get('a'),
      await db.peek(),
      streamed,
      await snapshot.get('a'),
      await db.batch().get('a')
    ]
    await db.put('a', { n: 0, kept: 1 })
    for (const [i, base] of bases.entries()) {
      if (base == null) throw new Error('the entry is missing')
      await db.put('a', { n: i + 1, kept: 0 }, { base })
      expect((await db.get('a'))?.value).toMatchObject({ kept: 1 })
    }
  })

  test('of a batch counts for its put', async () => {
    const db = await openDevice()
    await db.put('a', { n: 0, kept: 0 })
    const base = await db.get('a')
    await db.put('a', { n: 0, kept: 1 })
    const batch = db.batch()
    if (base !== null) await batch.put('a', { n: 1, kept: 0 }, { base })
    await batch.flush()
    expect((await db.get('a'))?.value).toEqual({ n: 1, kept: 1 })
  })
})

describe('a version', () => {
  test('that does not exist is refused, whatever is asked of it', async () => {
    const db = await openDevice()
    await db.put('a', 1)
    for (const version of [db.version + 1, -1, 1.5, Number.NaN, Infinity, wrong('1'), wrong({})]) {
      await expectCode(db.checkout(version).get('a'), 'MULTI_BEE_BAD_ARGUMENT')
      await expectCode(db.checkout(version).ready(), 'MULTI_BEE_BAD_ARGUMENT')
      await expectCode(collect(db.createDiffStream(version)), 'MULTI_BEE_BAD_ARGUMENT')
    }
    await expectWorking(db)
  })

  test('of another database is refused', async () => {
    const db = await openDevice()
    const other = await openDevice()
    for (const side of [other, other.snapshot(), other.checkout(1), null, {}, 'x']) {
      await expectCode(collect(db.createDiffStream(wrong(side))), 'MULTI_BEE_BAD_ARGUMENT')
    }
    await expectWorking(db)
  })

  test('from before a rebuild of the view is gone', async () => {
    const dir = await tmpDir()
    const store = await tmpStore()
    const db = await openDevice({ store, directory: `${dir}/one` })
    await db.put('a', 1)
    const { version } = db
    await db.put('a', 2)
    await db.close()
    const rebuilt = await openDevice({ store, directory: `${dir}/two` })
    await expectCode(rebuilt.checkout(version).get('a'), 'MULTI_BEE_VERSION_GONE')
    await expectCode(collect(rebuilt.createDiffStream(version)), 'MULTI_BEE_VERSION_GONE')
    expect((await rebuilt.get('a'))?.value).toBe(2)
    expect((await rebuilt.checkout(rebuilt.version).get('a'))?.value).toBe(2)
    await expectWorking(rebuilt)
  })
})

describe('a device that is no writer', () => {
  test('reads, and refuses every write', async () => {
    const a = await openDevice()
    await a.put('a', 1)
    const b = await openReplica(a)
    replicate(a, b)
    await untilShown('a', 1, b)
    const batch = b.batch()
    await batch.put('b', 1)
    const writes = [
      () => b.put('b', 1),
      () => b.del('a'),
      () => batch.flush(),
      () => b.update('a', () => 2),
      () => b.resolve('a', [], 2),
      () => b.sub('s').put('a', 1),
      () => b.addWriter(writerKeyOf(b)),
      () => b.removeWriter(writerKeyOf(a)),
      () => b.createInvite(wrong({}))
    ]
    for (const write of writes) await expectCode(write(), 'MULTI_BEE_NOT_WRITABLE')
    await a.addWriter(writerKeyOf(b))
    await until(() => b.writable)
    await expectWorking(b)
  })
})

describe('writers', () => {
  test('one that was removed cannot be added again', async () => {
    const a = await openDevice()
    const b = await openReplica(a)
    await a.addWriter(writerKeyOf(b))
    await a.removeWriter(writerKeyOf(b))
    await expectCode(a.addWriter(writerKeyOf(b)), 'MULTI_BEE_WRITER_RETIRED')
    await expectWorking(a)
  })

  test('one that never was a member cannot be removed', async () => {
    const a = await openDevice()
    await expectCode(a.removeWriter(b4a.alloc(32, 1)), 'MULTI_BEE_UNKNOWN_WRITER')
    await expectCode(a.synced(b4a.alloc(32, 1)), 'MULTI_BEE_UNKNOWN_WRITER')
    await expectWorking(a)
  })

  test('keys, names and cut-offs are checked', async () => {
    const a = await openDevice()
    for (const key of [5, 'x', b4a.alloc(31), null, undefined, {}]) {
      await expectCode(a.addWriter(wrong(key)), 'MULTI_BEE_BAD_ARGUMENT')
      await expectCode(a.removeWriter(wrong(key)), 'MULTI_BEE_BAD_ARGUMENT')
    }
    await expectCode(a.addWriter(b4a.alloc(32, 1), { name: wrong(5) }), 'MULTI_BEE_BAD_ARGUMENT')
    await expectCode(a.addWriter(b4a.alloc(32, 1), { name: 'x'.repeat(257) }), 'MULTI_BEE_BAD_ARGUMENT')
    const b = await openReplica(a)
    await a.addWriter(b4a.toString(writerKeyOf(b), 'hex'), { name: 'x'.repeat(256) })
    for (const length of [-1, 1.5, 1, Number.NaN, wrong('0')]) {
      await expectCode(a.removeWriter(writerKeyOf(b), { length }), 'MULTI_BEE_BAD_ARGUMENT')
    }
    expect((await a.writers()).map(({ cutOff }) => cutOff)).toEqual([null, null])
    await expectWorking(a)
  })

  test('one that is added twice is a member once', async () => {
    const a = await openDevice()
    const b = await openReplica(a)
    await a.addWriter(writerKeyOf(b), { name: 'first' })
    await a.addWriter(writerKeyOf(b), { name: 'second' })
    expect((await a.writers()).map(({ name }) => name)).toEqual(['', 'first'])
  })
})

describe('after close', () => {
  test('every method refuses', async () => {
    const db = await openDevice()
    await db.put('a', 1)
    const [batch, sub, snapshot, watcher, entry] = [
      db.batch(),
      db.sub('s'),
      db.snapshot(),
      db.watch(),
      await db.getAndWatch('a')
    ]
    await batch.put('b', 1)
    await sub.put('a', 1)
    await watcher.ready()
    const [key, version] = [db.key, db.version]
    await db.close()
    expect(db.writable).toBe(false)
    expect(db.key).toBe(key)
    expect(db.version).toBe(version)
    const bee = new Hyperbee((await tmpStore()).get({ name: 'bee' }))
    const refused: (() => PromiseLike<unknown>)[] = [
      () => db.get('a'),
      () => db.peek(),
      () => db.put('a', 2),
      () => db.del('a'),
      () => db.update('a', () => 2),
      () => db.conflicts('a'),
      () => db.resolve('a', [], 2),
      () => db.getAndWatch('a'),
      () => db.watch().next(),
      () => db.flush(),
      () => db.status(),
      () => db.writers(),
      () => db.synced(b4a.alloc(32)),
      () => db.addWriter(b4a.alloc(32)),
      () => db.removeWriter(b4a.alloc(32)),
      () => db.createInvite(wrong({})),
      () => db.mirror(bee),
      () => db.batch().put('a', 1),
      () => db.batch().get('a'),
      () => db.batch().flush(),
      () => collect(db.createReadStream()),
      () => collect(db.createDiffStream(1)),
      () => collect(db.createHistoryStream()),
      () => db.snapshot().get('a'),
      () => db.checkout(1).get('a'),
      () => db.sub('s').get('a'),
      () => batch.get('a'),
      () => batch.flush(),
      () => sub.get('a'),
      () => sub.put('a', 1),
      () => collect(sub.createReadStream()),
      () => snapshot.get('a'),
      () => collect(snapshot.createReadStream())
    ]
    for (const call of refused) await expectCode(call(), 'MULTI_BEE_CLOSED')
    expectThrown(() => db.replicate(true), 'MULTI_BEE_CLOSED')
    expect((await watcher.next()).done).toBe(true)
    expect(entry.closed).toBe(true)
    await db.close()
  })

  test('a snapshot or sub that was closed refuses too, and nothing else does', async () => {
    const db = await openDevice()
    const [snapshot, sub] = [db.snapshot(), db.sub('s')]
    await snapshot.close()
    await sub.close()
    await expectCode(snapshot.get('a'), 'MULTI_BEE_CLOSED')
    await expectCode(sub.put('a', 1), 'MULTI_BEE_CLOSED')
    await expectWorking(db)
  })

  test('puts that were under way are done or refused, and no other state is left', async () => {
    const store = await tmpStore()
    const db = await openDevice({ store })
    const puts = Array.from({ length: 200 }, (_, i) => db.put(`k${i}`, i))
    const batch = db.batch()
    const batched = [batch.put('x', 1), batch.put('y', 1), batch.flush()]
    const updates = Array.from({ length: 20 }, () => db.update('n', (value) => ((value ?? 0) as number) + 1))
    const closed = db.close()
    const late = expectCode(db.put('late', 1), 'MULTI_BEE_CLOSED')
    const [results, [flushed], counted] = await Promise.all([
      Promise.allSettled(puts),
      Promise.allSettled(batched.toReversed()),
      Promise.allSettled(updates)
    ])
    await Promise.all([closed, late])
    for (const result of [...results, flushed, ...counted]) {
      if (result?.status === 'rejected') expect(result.reason).toMatchObject({ code: 'MULTI_BEE_CLOSED' })
    }
    const again = await openDevice({ store })
    for (const [i, { status }] of results.entries()) {
      expect((await again.get(`k${i}`))?.value).toBe(status === 'fulfilled' ? i : undefined)
    }
    const there = flushed?.status === 'fulfilled' ? 1 : undefined
    expect([(await again.get('x'))?.value, (await again.get('y'))?.value]).toEqual([there, there])
    const done = counted.filter(({ status }) => status === 'fulfilled').length
    expect((await again.get('n'))?.value ?? 0).toBe(done)
    expect(await again.get('late')).toBe(null)
  })

  test('a stream that is being read ends or says that the database is closed', async () => {
    const db = await openDevice()
    const batch = db.batch()
    for (let i = 0; i < 2000; i++) await batch.put(`k${i}`, i)
    await batch.flush()
    await db.flush()
    const reader = db.createReadStream()[Symbol.asyncIterator]()
    await reader.next()
    const [rest] = await Promise.allSettled([
      (async () => {
        while ((await reader.next()).done !== true);
      })(),
      db.close()
    ])
    if (rest.status === 'rejected') expect(rest.reason).toMatchObject({ code: 'MULTI_BEE_CLOSED' })
  })

  test('a removal that was under way is done or refused', async () => {
    const a = await openDevice()
    const b = await openReplica(a)
    await a.addWriter(writerKeyOf(b))
    const [removal] = await Promise.allSettled([a.removeWriter(writerKeyOf(b)), a.close()])
    if (removal.status === 'rejected') expect(removal.reason).toMatchObject({ code: 'MULTI_BEE_CLOSED' })
  })

  test('close may come twice, at once, before open, and by `await using`', async () => {
    const store = await tmpStore()
    {
      await using db = new MultiBee(store)
      await db.put('a', 1)
      await Promise.all([db.close(), db.close()])
      await db.close()
    }
    const unopened = new MultiBee(store)
    await unopened.close()
    await expectCode(unopened.get('a'), 'MULTI_BEE_CLOSED')
    const again = await openDevice({ store })
    expect((await again.get('a'))?.value).toBe(1)
  })

  test('the store stays open', async () => {
    const store = await tmpStore()
    const db = await openDevice({ store })
    await db.close()
    const core = store.get({ name: 'another' })
    await core.append('block')
    expect(core.length).toBe(1)
  })
})

describe('a lock', () => {
  /** Opens the Corestore in a process of its own; resolves once it has it. */
  async function holdStore(dir: string): Promise<() => Promise<void>> {
    const corestore = createRequire(import.meta.url).resolve('corestore')
    const script = `
      const Corestore = require(${JSON.stringify(corestore)})
      new Corestore(process.argv[1]).ready().then(() => console.log('held'))
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const release = async (): Promise<void> => {
      child.kill('SIGKILL')
      await exited
    }
    testCleanup().defer('stream', release)
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', (code) =>
        reject(new Error(`the process that was to hold the store ended with ${code}`))
      )
    })
    return release
  }

  test('that another process has on the store is named, and opening works once it is gone', async () => {
    const dir = await tmpDir()
    const release = await holdStore(dir)
    const locked = new Corestore(dir)
    const db = new MultiBee(locked)
    const read = expectCode(db.get('a'), 'MULTI_BEE_STORE_LOCKED')
    await expectCode(db.ready(), 'MULTI_BEE_STORE_LOCKED')
    await read
    await db.close()
    await locked.close().catch(() => {})
    await release()
    await expectWorking(await openDevice({ store: await tmpStore({ dir }) }))
  })

  test('on the view is named, and the database that has it goes on', async () => {
    const store = await tmpStore()
    const first = await openDevice({ store })
    await first.put('a', 1)
    const second = new MultiBee(store)
    await expectCode(second.ready(), 'MULTI_BEE_STORE_LOCKED')
    await expectWorking(first)
    await first.close()
    const third = await openDevice({ store })
    expect((await third.get('a'))?.value).toBe(1)
  })

  test('is not there for two databases in one store', async () => {
    const store = await tmpStore()
    const [one, two] = [
      await openDevice({ store: store.namespace('one') }),
      await openDevice({ store: store.namespace('two') })
    ]
    await one.put('a', 1)
    await two.put('a', 2)
    expect([(await one.get('a'))?.value, (await two.get('a'))?.value]).toEqual([1, 2])
  })
})

describe('an encryptionKey', () => {
  const right = b4a.alloc(32, 7)

  test('that is wrong is named, and the right one still opens the database', async () => {
    const store = await tmpStore()
    const db = await openDevice({ store, encryptionKey: right })
    await db.put('a', 1)
    await db.close()
    const attempts: [unknown, MultiBeeErrorCode][] = [
      [{ encryptionKey: b4a.alloc(32, 8) }, 'MULTI_BEE_WRONG_ENCRYPTION_KEY'],
      [{ encryptionKey: null }, 'MULTI_BEE_WRONG_ENCRYPTION_KEY'],
      [{}, 'MULTI_BEE_WRONG_ENCRYPTION_KEY']
    ]
    for (const [options, code] of attempts) {
      const wrongly = new MultiBee(store, wrong(options))
      const put = expectCode(wrongly.put('a', 2), code)
      await expectCode(wrongly.ready(), code)
      await put
      await wrongly.close()
    }
    const forgotten = new MultiBee(store)
    await expect(forgotten.ready()).rejects.toThrow(/pass it again/)
    await forgotten.close()
    const again = await openDevice({ store, encryptionKey: right })
    expect((await again.get('a'))?.value).toBe(1)
    await expectWorking(again)
  })

  test('that was made for the database is found again, and may be passed as well', async () => {
    const store = await tmpStore()
    const db = await openDevice({ store })
    const { encryptionKey } = db
    await db.put('a', 1)
    await db.close()
    const again = await openDevice({ store })
    expect(again.encryptionKey).toEqual(encryptionKey)
    expect((await again.get('a'))?.value).toBe(1)
    await again.close()
    const passed = await openDevice({ store, encryptionKey })
    expect((await passed.get('a'))?.value).toBe(1)
  })

  test.each([
    ['wrong', b4a.alloc(32, 8)],
    ['null', null],
    ['missing', undefined]
  ])(
    'that is %s on a new device does no harm: with the right one it shows everything',
    async (_, encryptionKey) => {
      const a = await openDevice({ encryptionKey: right })
      await a.put('a', 1)
      const store = await tmpStore()
      const wrongly = await openDevice({
        store,
        key: a.key ?? b4a.alloc(0),
        ...(encryptionKey === undefined ? {} : { encryptionKey })
      })
      const wire = replicate(a, wrongly)
      const arrived = async (): Promise<boolean> => {
        const { failure, devices } = await wrongly.status()
        return failure !== null || devices.some(({ applied, malformed }) => applied + malformed > 0)
      }
      await until(arrived)
      await wire.destroy()
      await wrongly.close()
      const b = await openReplica(a, { store, encryptionKey: right })
      replicate(a, b)
      await until(async () => (await b.status()).devices[0]?.applied === 2)
      expect((await b.get('a'))?.value).toBe(1)
    }
  )
})

describe('what the caller holds', () => {
  test('is not changed by put, and changing it afterwards changes nothing stored', async () => {
    const db = await openDevice()
    const value = Object.freeze({ b: 1, a: Object.freeze({ list: Object.freeze([1, 2]) }) })
    await db.put('frozen', value)
    const mutable: Record<string, unknown> = { b: 1, a: { c: [1] } }
    const puts = [db.put('x', mutable)]
    const batch = db.batch()
    puts.push(batch.put('y', mutable))
    const entry = { n: 1 }
    puts.push(db.update('z', () => entry))
    mutable['b'] = 2
    ;(mutable['a'] as { c: number[] }).c.push(2)
    await Promise.all(puts)
    entry.n = 2
    await batch.flush()
    expect((await db.get('frozen'))?.value).toEqual(value)
    expect((await db.get('x'))?.value).toEqual({ b: 1, a: { c: [1] } })
    expect((await db.get('y'))?.value).toEqual({ b: 1, a: { c: [1] } })
    expect((await db.get('z'))?.value).toEqual({ n: 1 })
    expect(Object.keys(mutable)).toEqual(['b', 'a'])
  })

  test('bytes may be used again at once, as key and as value', async () => {
    const db = await openDevice<Uint8Array, Uint8Array>({ keyEncoding: 'binary', valueEncoding: 'binary' })
    const [key, value] = [b4a.from('key1'), b4a.from('value')]
    const prefix = b4a.from('sub')
    const sub = db.sub(prefix)
    const batch = db.batch()
    const range = { gte: key }
    const puts = [
      db.put(key, value),
      sub.put(key, value),
      batch.put(key, value),
      db.update(b4a.from('u'), () => value)
    ]
    const update = db.update(key, (old) => old ?? undefined)
    const stream = db.createReadStream(range)
    for (const bytes of [key, value, prefix]) bytes.fill(0)
    await Promise.all([...puts, update])
    await batch.flush()
    stream.destroy()
    const shown = (await collect(db.createReadStream())).map((entry) => [
      b4a.toString(entry.key),
      b4a.toString(entry.value)
    ])
    expect(shown).toEqual([
      ['key1', 'value'],
      ['sub\0key1', 'value'],
      ['u', '\0\0\0\0\0']
    ])
  })

  test('bytes that were handed out may be changed', async () => {
    const db = await openDevice<Uint8Array, Uint8Array>({ keyEncoding: 'binary', valueEncoding: 'binary' })
    await db.put(b4a.from('key'), b4a.from('value'))
    for (let turn = 0; turn < 2; turn++) {
      const [listed] = await collect(db.createReadStream())
      for (const entry of [await db.get(b4a.from('key')), listed]) {
        entry?.key.fill(0)
        entry?.value.fill(0)
      }
      expect(b4a.toString((await db.get(b4a.from('key')))?.value ?? b4a.alloc(0))).toBe('value')
      expect(b4a.toString((await db.peek())?.key ?? b4a.alloc(0))).toBe('key')
      await db.flush()
    }
  })

  test('options are not changed', async () => {
    const db = await openDevice()
    const options = Object.freeze({ valueEncoding: 'utf-8' as const, keyEncoding: 'utf-8' as const })
    const range = Object.freeze({ gte: 'a' })
    await db.put('a', 'text', options)
    await db.get('a', options)
    await collect(db.createReadStream(range, options))
    await db.peek(range, options)
    await db.del('a', options)
  })
})
