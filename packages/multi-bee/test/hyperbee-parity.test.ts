import { once } from 'node:events'
import { collect, testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import c from 'compact-encoding'
import Hyperbee from 'hyperbee'
import { Writable } from 'streamx'
import { describe, expect, test } from 'vitest'
import { MultiBee, type Entry, type EntryStream } from '../src/index.ts'

// One suite, run against both: what passes here is what code written for a Hyperbee may rely on. Where the two differ on purpose, each
// side's behaviour has its own test at the end.

type Options = Record<string, unknown>
type Bounds = { gt?: unknown; gte?: unknown; lt?: unknown; lte?: unknown }
type Found = Entry<unknown> | null
type Cas = (previous: NonNullable<Found>, next: NonNullable<Found>) => boolean | Promise<boolean>

interface Reader {
  readonly version: number
  get(key: unknown, options?: Options | null): Promise<Found>
  peek(range?: Bounds | null, options?: Options | null): Promise<Found>
  createReadStream(range?: Bounds | null, options?: Options | null): EntryStream<NonNullable<Found>>
  createDiffStream(
    other: number | Reader,
    range?: Bounds | null,
    options?: Options | null
  ): EntryStream<{ left: Found; right: Found }>
  close(): Promise<void>
}

interface Editing {
  get(key: unknown, options?: Options | null): Promise<Found>
  put(key: unknown, value?: unknown, options?: { cas?: Cas } | Options | null): Promise<void>
  del(key: unknown, options?: { cas?: Cas } | Options | null): Promise<void>
}

interface Bee extends Reader, Editing {
  readonly key: Uint8Array | null
  readonly id: string | null
  readonly discoveryKey: Uint8Array | null
  readonly writable: boolean
  ready(): Promise<void>
  batch(options?: Options): Editing & { flush(): Promise<void>; close(): Promise<void> }
  sub(prefix: string | Uint8Array, options?: Options): Bee
  snapshot(options?: Options): Reader
  checkout(version: number, options?: Options): Reader
  watch(
    range?: Bounds,
    options?: Options
  ): AsyncIterableIterator<[Reader, Reader]> & { ready(): Promise<void>; close(): Promise<void> }
  getAndWatch(
    key: unknown,
    options?: Options
  ): Promise<{
    node: Found
    on(event: 'update', listener: () => void): unknown
    once(event: 'update', listener: () => void): unknown
    close(): Promise<void>
  }>
}

async function openHyperbee(options: Options = {}): Promise<Bee> {
  const store = await tmpStore()
  const bee = new Hyperbee(store.get({ name: 'bee' }), {
    keyEncoding: 'utf-8',
    valueEncoding: 'json',
    ...options
  })
  testCleanup().defer('stream', () => bee.close())
  await bee.ready()
  return bee as unknown as Bee
}

async function openMultiBee(options: Options = {}): Promise<Bee> {
  const bee = new MultiBee(await tmpStore(), { keyEncoding: 'utf-8', valueEncoding: 'json', ...options })
  testCleanup().defer('stream', () => bee.close())
  await bee.ready()
  return bee as unknown as Bee
}

async function fill(bee: Pick<Bee, 'put'>, ...keys: string[]): Promise<void> {
  for (const key of keys) await bee.put(key, key.toUpperCase())
}

async function keysOf(stream: AsyncIterable<NonNullable<Found>>): Promise<unknown[]> {
  return (await collect(stream)).map(({ key }) => key)
}

async function pairsOf(stream: AsyncIterable<NonNullable<Found>>): Promise<unknown[]> {
  return (await collect(stream)).map(({ key, value }) => [key, value])
}

const bytes = (...values: number[]): Uint8Array => b4a.from(values)

describe.each([
  { name: 'a Hyperbee', open: openHyperbee },
  { name: 'a MultiBee', open: openMultiBee }
])('$name', ({ open }) => {
  describe('its properties', () => {
    test('say which database it is', async () => {
      const bee = await open()
      expect(bee.key?.byteLength).toBe(32)
      expect(bee.discoveryKey?.byteLength).toBe(32)
      expect(bee.id).toMatch(/^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/)
      expect(bee.writable).toBe(true)
    })

    test('an awaited put raises the version by one, and an empty database has version 1', async () => {
      const bee = await open()
      await bee.get('a')
      const empty = bee.version
      await bee.put('a', 1)
      expect(bee.version).toBe(empty + 1)
      await bee.put('b', 1)
      expect(bee.version).toBe(empty + 2)
      await bee.del('a')
      expect(bee.version).toBe(empty + 3)
    })

    test('it may be used without ready()', async () => {
      const bee = await open()
      await Promise.all([bee.put('a', 1), bee.put('b', 2)])
      expect(await keysOf(bee.createReadStream())).toEqual(['a', 'b'])
    })
  })

  describe('get, put and del', () => {
    test('get gives seq, key and value, and nothing else', async () => {
      const bee = await open()
      await bee.put('a', { n: 1 })
      const entry = await bee.get('a')
      expect(Object.keys(entry ?? {}).sort()).toEqual(['key', 'seq', 'value'])
      expect(entry).toEqual({ seq: expect.any(Number), key: 'a', value: { n: 1 } })
    })

    test('get of an absent key is null', async () => {
      const bee = await open()
      expect(await bee.get('a')).toBe(null)
      await bee.put('b', 1)
      expect(await bee.get('a')).toBe(null)
    })

    test.each([
      ['an object', { a: { b: [1, 'two', null] } }],
      ['an empty object', {}],
      ['an array', [{ a: 1 }, []]],
      ['a string', 'text \u{1f600} \u0000'],
      ['an empty string', ''],
      ['a number', -0.5],
      ['zero', 0],
      ['false', false],
      ['null', null],
      ['odd field names', { '': 1, 'a/b': 2, constructor: 3, '\ud800': 4 }]
    ])('put keeps %s', async (_, value) => {
      const bee = await open()
      await bee.put('a', value)
      expect((await bee.get('a'))?.value).toEqual(value)
    })

    test('a field named __proto__ is an ordinary field', async () => {
      const bee = await open()
      const value: unknown = JSON.parse('{"__proto__":{"a":1},"b":2}')
      await bee.put('a', value)
      expect(JSON.stringify((await bee.get('a'))?.value)).toBe('{"__proto__":{"a":1},"b":2}')
    })

    test('put resolves with nothing, and so does del', async () => {
      const bee = await open()
      expect(await bee.put('a', 1)).toBe(undefined)
      expect(await bee.del('a')).toBe(undefined)
    })

    test('put without a value stores null', async () => {
      const bee = await open()
      await bee.put('a')
      expect(await bee.get('a')).toMatchObject({ key: 'a', value: null })
    })

    test('put replaces what was there, with another seq', async () => {
      const bee = await open()
      await bee.put('a', { n: 1, old: true })
      const first = await bee.get('a')
      await bee.put('a', { n: 2 })
      const second = await bee.get('a')
      expect(second?.value).toEqual({ n: 2 })
      expect(second?.seq).toBeGreaterThan(first?.seq ?? Infinity)
    })

    test('put replaces a value by one of another type', async () => {
      const bee = await open()
      for (const value of [{ a: 1 }, 'text', [1], { b: {} }, null, {}, 0]) {
        await bee.put('a', value)
        expect((await bee.get('a'))?.value).toEqual(value)
      }
    })

    test('the empty string is a key', async () => {
      const bee = await open()
      await bee.put('', 1)
      expect(await bee.get('')).toMatchObject({ key: '', value: 1 })
      expect(await keysOf(bee.createReadStream())).toEqual([''])
    })

    test('del removes the key, and a put brings it back', async () => {
      const bee = await open()
      await bee.put('a', { n: 1 })
      await bee.del('a')
      expect(await bee.get('a')).toBe(null)
      expect(await keysOf(bee.createReadStream())).toEqual([])
      await bee.put('a', { m: 2 })
      expect((await bee.get('a'))?.value).toEqual({ m: 2 })
    })

    test('del of an absent key changes nothing', async () => {
      const bee = await open()
      await bee.put('b', 1)
      const { version } = bee
      await bee.del('a')
      expect(bee.version).toBe(version)
    })

    test('puts that are not awaited happen in order', async () => {
      const bee = await open()
      await Promise.all([
        bee.put('a', 1),
        bee.put('a', 2),
        bee.del('b'),
        bee.put('b', 3),
        bee.del('a'),
        bee.put('a', { last: true })
      ])
      expect(await pairsOf(bee.createReadStream())).toEqual([
        ['a', { last: true }],
        ['b', 3]
      ])
    })
  })

  describe('cas', () => {
    test('of put is asked with the entry as it is and as it would be', async () => {
      const bee = await open()
      await bee.put('a', { n: 1 })
      const asked: unknown[] = []
      await bee.put('a', { n: 2 }, { cas: (previous, next) => asked.push([previous, next]) > 0 })
      const after = await bee.get('a')
      expect(asked).toEqual([
        [
          { seq: (after?.seq ?? 0) - 1, key: 'a', value: { n: 1 } },
          { seq: after?.seq, key: 'a', value: { n: 2 } }
        ]
      ])
      expect(after?.value).toEqual({ n: 2 })
    })

    test('of put is not asked for an absent key, and the put goes ahead', async () => {
      const bee = await open()
      let asked = 0
      const cas: Cas = () => asked++ > Infinity
      await bee.put('a', 1, { cas })
      expect(await bee.get('a')).toMatchObject({ value: 1 })
      await bee.del('a')
      await bee.put('a', 2, { cas })
      expect(await bee.get('a')).toMatchObject({ value: 2 })
      expect(asked).toBe(0)
    })

    test('that says no leaves everything as it was', async () => {
      const bee = await open()
      await bee.put('a', 1)
      const { version } = bee
      const before = await bee.get('a')
      await bee.put('a', 2, { cas: () => false })
      await bee.put('a', 2, { cas: () => Promise.resolve(false) })
      await bee.del('a', { cas: () => false })
      await bee.del('a', { cas: () => Promise.resolve(false) })
      expect(await bee.get('a')).toEqual(before)
      expect(bee.version).toBe(version)
    })

    test('may answer later', async () => {
      const bee = await open()
      await bee.put('a', 1)
      const later = (answer: boolean): Promise<boolean> =>
        new Promise((resolve) => setImmediate(resolve, answer))
      await bee.put('a', 2, { cas: () => later(true) })
      expect(await bee.get('a')).toMatchObject({ value: 2 })
      await bee.del('a', { cas: () => later(true) })
      expect(await bee.get('a')).toBe(null)
    })

    test('of del is asked with the entry, and not for an absent key', async () => {
      const bee = await open()
      const asked: unknown[] = []
      const cas: Cas = (previous) => asked.push(previous) > 0
      await bee.del('a', { cas })
      expect(asked).toEqual([])
      await bee.put('a', { n: 1 })
      const before = await bee.get('a')
      await bee.del('a', { cas })
      expect(asked).toEqual([before])
      expect(await bee.get('a')).toBe(null)
    })

    test('sees the puts before it that nobody has awaited', async () => {
      const bee = await open()
      const seen: unknown[] = []
      const cas: Cas = (previous) => seen.push(previous.value) > 0
      await Promise.all([bee.put('a', 1), bee.put('a', 2, { cas }), bee.put('a', 3, { cas })])
      expect(seen).toEqual([1, 2])
      expect(await bee.get('a')).toMatchObject({ value: 3 })
    })
  })

  describe('ranges', () => {
    test.each<[string, Bounds, Options | undefined, string[]]>([
      ['nothing', {}, undefined, ['a', 'b', 'c', 'd', 'e']],
      ['gt', { gt: 'b' }, undefined, ['c', 'd', 'e']],
      ['gte', { gte: 'b' }, undefined, ['b', 'c', 'd', 'e']],
      ['lt', { lt: 'c' }, undefined, ['a', 'b']],
      ['lte', { lte: 'c' }, undefined, ['a', 'b', 'c']],
      ['gt and lt', { gt: 'a', lt: 'e' }, undefined, ['b', 'c', 'd']],
      ['gte and lte', { gte: 'b', lte: 'd' }, undefined, ['b', 'c', 'd']],
      ['bounds between keys', { gt: 'aa', lte: 'dd' }, undefined, ['b', 'c', 'd']],
      ['bounds the wrong way round', { gt: 'd', lt: 'b' }, undefined, []],
      ['one key', { gte: 'c', lte: 'c' }, undefined, ['c']],
      ['reverse', {}, { reverse: true }, ['e', 'd', 'c', 'b', 'a']],
      ['reverse between bounds', { gt: 'a', lte: 'd' }, { reverse: true }, ['d', 'c', 'b']],
      ['limit', {}, { limit: 2 }, ['a', 'b']],
      ['limit and reverse', { lt: 'e' }, { limit: 2, reverse: true }, ['d', 'c']],
      ['limit 0', {}, { limit: 0 }, []],
      ['limit -1', {}, { limit: -1 }, ['a', 'b', 'c', 'd', 'e']],
      ['a limit beyond the end', {}, { limit: 99 }, ['a', 'b', 'c', 'd', 'e']],
      [
        'bounds that are null',
        { gt: null, gte: null, lt: null, lte: null },
        undefined,
        ['a', 'b', 'c', 'd', 'e']
      ],
      ['bounds that are undefined', { gt: undefined, lt: undefined }, undefined, ['a', 'b', 'c', 'd', 'e']],
      ['an empty bound', { gt: '' }, undefined, ['a', 'b', 'c', 'd', 'e']],
      ['an empty bound above', { lt: '' }, undefined, []]
    ])('a read stream takes %s', async (_, range, options, expected) => {
      const bee = await open()
      await fill(bee, 'd', 'a', 'e', 'c', 'b')
      expect(await keysOf(bee.createReadStream(range, options))).toEqual(expected)
      expect(await keysOf(bee.createReadStream({ ...range, ...options }))).toEqual(expected)
      const [first = null] = expected
      if (options?.['limit'] !== 0) expect((await bee.peek(range, options))?.key ?? null).toBe(first)
    })

    test('the range goes before the options', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      expect(await keysOf(bee.createReadStream({ gte: 'b' }, { gte: 'a', limit: 9 }))).toEqual(['b', 'c'])
    })

    test('peek gives the whole entry, and null for an empty range', async () => {
      const bee = await open()
      expect(await bee.peek()).toBe(null)
      await fill(bee, 'a', 'b')
      expect(await bee.peek()).toEqual(await bee.get('a'))
      expect(await bee.peek({}, { reverse: true })).toEqual(await bee.get('b'))
      expect(await bee.peek({ gt: 'b' })).toBe(null)
    })

    test('entries of a stream are as get gives them', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b')
      expect(await collect(bee.createReadStream())).toEqual([await bee.get('a'), await bee.get('b')])
    })

    test('keys stand in the order of their bytes, also beyond U+FFFF', async () => {
      const bee = await open()
      const keys = ['\uffff', '\u{10000}', 'é', 'z', 'Z', '\u0000', '', 'a\u0000', 'a', '\u{1f600}', '\ue000']
      for (const key of keys) await bee.put(key, 1)
      const sorted = [...keys].sort((a, b) => b4a.compare(b4a.from(a), b4a.from(b)))
      expect(sorted).not.toEqual([...keys].sort())
      expect(await keysOf(bee.createReadStream())).toEqual(sorted)
      expect(await keysOf(bee.createReadStream({}, { reverse: true }))).toEqual(sorted.toReversed())
      expect(await keysOf(bee.createReadStream({ gt: '\uffff' }))).toEqual(
        sorted.slice(sorted.indexOf('\uffff') + 1)
      )
    })

    test('many keys come in order, forwards and backwards', async () => {
      const bee = await open()
      const keys = Array.from({ length: 500 }, (_, i) => `k${String((i * 7919) % 500).padStart(3, '0')}`)
      const batch = bee.batch()
      for (const key of keys) await batch.put(key, key)
      await batch.flush()
      for (const key of keys.slice(0, 100)) await bee.del(key)
      const left = keys.slice(100).sort()
      expect(await keysOf(bee.createReadStream())).toEqual(left)
      expect(await keysOf(bee.createReadStream({}, { reverse: true }))).toEqual(left.toReversed())
    })
  })

  describe('a stream', () => {
    test('emits data and end', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      const seen: unknown[] = []
      const stream = bee.createReadStream()
      stream.on('data', ({ key }) => seen.push(key))
      await once(stream as never, 'end')
      expect(seen).toEqual(['a', 'b', 'c'])
    })

    test('can be piped', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      const seen: unknown[] = []
      const sink = new Writable({
        write(entry: unknown, done: (error: Error | null) => void) {
          seen.push((entry as NonNullable<Found>).value)
          done(null)
        }
      })
      bee.createReadStream().pipe(sink)
      await once(sink as never, 'finish')
      expect(seen).toEqual(['A', 'B', 'C'])
    })

    test('may be left early, and the database goes on', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      for await (const { key } of bee.createReadStream()) {
        expect(key).toBe('a')
        break
      }
      await bee.put('d', 1)
      expect(await keysOf(bee.createReadStream())).toHaveLength(4)
    })

    test('may be destroyed before and while it is read', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      const unread = bee.createReadStream()
      const unreadClosed = once(unread as never, 'close')
      unread.destroy()
      await unreadClosed
      const stream = bee.createReadStream()
      const closed = once(stream as never, 'close')
      const seen: unknown[] = []
      stream.on('data', ({ key }) => {
        seen.push(key)
        stream.destroy()
      })
      await closed
      expect(seen).toEqual(['a'])
    })

    test('does not see what is written after it was made', async () => {
      const bee = await open()
      await fill(bee, 'a', 'c')
      const stream = bee.createReadStream()
      await bee.put('b', 1)
      await bee.del('c')
      expect(await keysOf(stream)).toEqual(['a', 'c'])
    })

    test('does not see what is written while it is read', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      const seen: unknown[] = []
      for await (const { key, value } of bee.createReadStream()) {
        seen.push([key, value])
        await bee.put('c', 'new')
        await bee.put('d', 'new')
      }
      expect(seen).toEqual([
        ['a', 'A'],
        ['b', 'B'],
        ['c', 'C']
      ])
    })
  })

  describe('batch', () => {
    test('writes everything with flush, and nothing before', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b')
      const batch = bee.batch()
      await batch.put('c', 'C')
      await batch.put('a', 'new')
      await batch.del('b')
      expect(await pairsOf(bee.createReadStream())).toEqual([
        ['a', 'A'],
        ['b', 'B']
      ])
      expect(await bee.get('c')).toBe(null)
      await batch.flush()
      expect(await pairsOf(bee.createReadStream())).toEqual([
        ['a', 'new'],
        ['c', 'C']
      ])
    })

    test('get sees its own writes', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b')
      const batch = bee.batch()
      expect(await batch.get('a')).toEqual(await bee.get('a'))
      await batch.put('a', 1)
      await batch.put('a', { n: 2 })
      await batch.del('b')
      await batch.put('c', 3)
      expect(await batch.get('a')).toMatchObject({ key: 'a', value: { n: 2 } })
      expect(await batch.get('b')).toBe(null)
      expect(await batch.get('c')).toMatchObject({ key: 'c', value: 3 })
      expect(await batch.get('d')).toBe(null)
      await batch.del('c')
      expect(await batch.get('c')).toBe(null)
      await batch.flush()
      expect(await pairsOf(bee.createReadStream())).toEqual([['a', { n: 2 }]])
    })

    test('needs no awaits before flush', async () => {
      const bee = await open()
      const batch = bee.batch()
      const puts = [batch.put('a', 1), batch.put('b', 2), batch.del('a'), batch.put('c', 3)]
      await Promise.all(puts)
      await batch.flush()
      expect(await keysOf(bee.createReadStream())).toEqual(['b', 'c'])
    })

    test('close drops it, and the database goes on', async () => {
      const bee = await open()
      await fill(bee, 'a')
      const batch = bee.batch()
      await batch.put('a', 1)
      await batch.put('b', 1)
      await batch.close()
      await bee.put('c', 'C')
      expect(await pairsOf(bee.createReadStream())).toEqual([
        ['a', 'A'],
        ['c', 'C']
      ])
    })

    test('an empty one changes nothing', async () => {
      const bee = await open()
      await fill(bee, 'a')
      const { version } = bee
      await bee.batch().flush()
      const batch = bee.batch()
      await batch.del('nothing')
      await batch.flush()
      expect(bee.version).toBe(version)
    })

    test('takes cas and encodings', async () => {
      const bee = await open()
      await bee.put('a', 1)
      const batch = bee.batch({ valueEncoding: 'utf-8' })
      await batch.put('a', 'no', { cas: () => false })
      await batch.put('b', 'text')
      await batch.flush()
      expect(await bee.get('a')).toMatchObject({ value: 1 })
      expect(await bee.get('b', { valueEncoding: 'utf-8' })).toMatchObject({ value: 'text' })
    })

    test('of a sub stays inside it', async () => {
      const bee = await open()
      const sub = bee.sub('s')
      const batch = sub.batch()
      await batch.put('a', 1)
      expect(await batch.get('a')).toMatchObject({ key: 'a', value: 1 })
      await batch.flush()
      expect(await sub.get('a')).toMatchObject({ key: 'a' })
      expect(await keysOf(bee.createReadStream())).toEqual(['s\0a'])
    })
  })

  describe('sub', () => {
    test('prefixes keys with its name and a zero byte', async () => {
      const bee = await open()
      const sub = bee.sub('s')
      await sub.put('a', 1)
      expect(await sub.get('a')).toMatchObject({ key: 'a', value: 1 })
      expect(await bee.get('s\0a')).toMatchObject({ key: 's\0a', value: 1 })
      expect(await bee.get('a')).toBe(null)
      await bee.put('s\0b', 2)
      expect(await sub.get('b')).toMatchObject({ key: 'b', value: 2 })
      await sub.del('b')
      expect(await bee.get('s\0b')).toBe(null)
    })

    test('shows nothing of its neighbours, in any range', async () => {
      const bee = await open()
      const sub = bee.sub('s')
      await fill(bee, 'r', 's', 's\u0001', 's!', 'sa', 't')
      await fill(bee.sub('r'), 'x', '\uffff')
      await fill(bee.sub('t'), '\u0001', 'x')
      expect(await keysOf(sub.createReadStream())).toEqual([])
      expect(await sub.peek()).toBe(null)
      expect(await sub.peek({}, { reverse: true })).toBe(null)
      await fill(sub, 'a', 'b', 'c', '\u{1f600}')
      expect(await keysOf(sub.createReadStream())).toEqual(['a', 'b', 'c', '\u{1f600}'])
      expect(await keysOf(sub.createReadStream({}, { reverse: true }))).toEqual(['\u{1f600}', 'c', 'b', 'a'])
      expect(await keysOf(sub.createReadStream({ gt: 'a' }))).toEqual(['b', 'c', '\u{1f600}'])
      expect(await keysOf(sub.createReadStream({ gte: 'b' }, { limit: 1 }))).toEqual(['b'])
      expect(await keysOf(sub.createReadStream({ lt: 'b' }))).toEqual(['a'])
      expect(await keysOf(sub.createReadStream({ lte: 'b' }, { reverse: true }))).toEqual(['b', 'a'])
      expect(await keysOf(sub.createReadStream({ gt: 'a', lt: 'c' }))).toEqual(['b'])
      expect((await sub.peek({ gt: 'b' }))?.key).toBe('c')
      expect((await sub.peek({}, { reverse: true }))?.key).toBe('\u{1f600}')
    })

    test('takes a separator, as text or bytes', async () => {
      const bee = await open()
      const sub = bee.sub('s', { sep: '/' })
      await sub.put('a', 1)
      await bee.sub('s', { sep: bytes(0x2f) }).put('b', 2)
      await bee.put('s0', 3)
      expect(await keysOf(sub.createReadStream())).toEqual(['a', 'b'])
      expect(await keysOf(bee.createReadStream())).toEqual(['s/a', 's/b', 's0'])
    })

    test('nests', async () => {
      const bee = await open()
      const outer = bee.sub('o')
      const inner = outer.sub('i')
      await inner.put('a', 1)
      await outer.put('z', 2)
      expect(await keysOf(inner.createReadStream())).toEqual(['a'])
      expect(await keysOf(outer.createReadStream())).toEqual(['i\0a', 'z'])
      expect(await keysOf(bee.createReadStream())).toEqual(['o\0i\0a', 'o\0z'])
      expect(await inner.get('a')).toMatchObject({ key: 'a', value: 1 })
    })

    test('has its own encodings, and hands them down', async () => {
      const bee = await open()
      const sub = bee.sub('s', { keyEncoding: 'binary', valueEncoding: 'utf-8' })
      await sub.put(bytes(0, 255, 1), 'text')
      const entry = await sub.get(bytes(0, 255, 1))
      expect(entry?.value).toBe('text')
      expect(b4a.equals(entry?.key as Uint8Array, bytes(0, 255, 1))).toBe(true)
      await sub.sub('t').put(bytes(9), 'more')
      expect((await sub.sub('t').get(bytes(9)))?.value).toBe('more')
      expect((await bee.get('s\0t\0\t', { valueEncoding: 'utf-8' }))?.value).toBe('more')
    })

    test('takes a prefix of bytes', async () => {
      const bee = await open({ keyEncoding: 'binary' })
      const sub = bee.sub(bytes(0xff, 0xff), { sep: bytes(0xff) })
      await sub.put(bytes(1), 'a')
      await sub.put(bytes(0xff, 0xff), 'b')
      expect((await sub.get(bytes(1)))?.value).toBe('a')
      expect((await bee.get(bytes(0xff, 0xff, 0xff, 1)))?.value).toBe('a')
    })

    test('takes cas', async () => {
      const sub = (await open()).sub('s')
      await sub.put('a', 1)
      const asked: unknown[] = []
      await sub.put('a', 2, { cas: (previous) => asked.push(previous.key) < 0 })
      expect(asked).toEqual(['a'])
      expect(await sub.get('a')).toMatchObject({ value: 1 })
    })
  })

  describe('snapshot and checkout', () => {
    test('a snapshot does not see later writes', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b')
      const snapshot = bee.snapshot()
      await bee.put('a', 'new')
      await bee.del('b')
      await bee.put('c', 'C')
      expect((await snapshot.get('a'))?.value).toBe('A')
      expect((await snapshot.get('b'))?.value).toBe('B')
      expect(await snapshot.get('c')).toBe(null)
      expect(await pairsOf(snapshot.createReadStream())).toEqual([
        ['a', 'A'],
        ['b', 'B']
      ])
      expect(await snapshot.peek({}, { reverse: true })).toMatchObject({ key: 'b' })
      expect(snapshot.version).toBeLessThan(bee.version)
      await snapshot.close()
      expect((await bee.get('a'))?.value).toBe('new')
    })

    test('a checkout shows the database as it was at a version', async () => {
      const bee = await open()
      const versions: number[] = []
      for (const value of [1, 2, 3]) {
        await bee.put('a', value)
        versions.push(bee.version)
      }
      await bee.del('a')
      for (const [i, version] of versions.entries()) {
        const checkout = bee.checkout(version)
        expect(checkout.version).toBe(version)
        expect((await checkout.get('a'))?.value).toBe(i + 1)
        expect(await keysOf(checkout.createReadStream())).toEqual(['a'])
        await checkout.close()
      }
      const now = bee.checkout(bee.version)
      expect(await now.get('a')).toBe(null)
    })

    test('the checkout of the version before the first put is empty', async () => {
      const bee = await open()
      await bee.get('a')
      const { version } = bee
      await fill(bee, 'a', 'b')
      const checkout = bee.checkout(version)
      expect(await checkout.get('a')).toBe(null)
      expect(await keysOf(checkout.createReadStream())).toEqual([])
    })

    test('they take encodings', async () => {
      const bee = await open()
      await bee.put('a', { n: 1 })
      expect((await bee.snapshot({ valueEncoding: 'utf-8' }).get('a'))?.value).toBe('{"n":1}')
      expect((await bee.checkout(bee.version, { valueEncoding: 'utf-8' }).get('a'))?.value).toBe('{"n":1}')
    })

    test('a snapshot of a sub reads inside it', async () => {
      const bee = await open()
      const sub = bee.sub('s')
      await fill(bee, 'a', 'zz')
      await fill(sub, 'a')
      const snapshot = sub.snapshot()
      await sub.put('a', 'new')
      expect(await snapshot.get('a')).toMatchObject({ key: 'a', value: 'A' })
      expect(await pairsOf(snapshot.createReadStream())).toEqual([['a', 'A']])
    })
  })

  describe('a diff stream', () => {
    test('gives what differs, left as it is here and right as it is there', async () => {
      const bee = await open()
      await fill(bee, 'same', 'changed', 'deleted')
      const old = bee.snapshot()
      const { version } = bee
      await bee.put('changed', 'new')
      await bee.del('deleted')
      await bee.put('added', 1)
      const expected = [
        ['added', 1, undefined],
        ['changed', 'new', 'CHANGED'],
        ['deleted', undefined, 'DELETED']
      ]
      const rows = async (stream: AsyncIterable<{ left: Found; right: Found }>): Promise<unknown[]> =>
        (await collect(stream)).map(({ left, right }) => [left?.key ?? right?.key, left?.value, right?.value])
      expect(await rows(bee.createDiffStream(version))).toEqual(expected)
      expect(await rows(bee.createDiffStream(old))).toEqual(expected)
      expect(await rows(bee.createDiffStream(bee.checkout(version)))).toEqual(expected)
      expect(await rows(old.createDiffStream(bee.snapshot()))).toEqual(
        expected.map(([key, left, right]) => [key, right, left])
      )
    })

    test('has null for the side that lacks the entry', async () => {
      const bee = await open()
      await bee.put('a', 1)
      const { version } = bee
      await bee.put('b', 1)
      expect(await collect(bee.createDiffStream(version))).toEqual([
        { left: await bee.get('b'), right: null }
      ])
    })

    test('takes a range and a limit', async () => {
      const bee = await open()
      await bee.put('z', 0)
      const { version } = bee
      await fill(bee, 'a', 'b', 'c', 'd')
      const keys = async (range: Bounds, options?: Options): Promise<unknown[]> =>
        (await collect(bee.createDiffStream(version, range, options))).map(({ left }) => left?.key)
      expect(await keys({ gt: 'a', lte: 'c' })).toEqual(['b', 'c'])
      expect(await keys({ gte: 'b' }, { limit: 2 })).toEqual(['b', 'c'])
      expect(await keys({}, { limit: 0 })).toEqual([])
    })

    test('of a version with itself is empty', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b')
      expect(await collect(bee.createDiffStream(bee.version))).toEqual([])
      expect(await collect(bee.createDiffStream(bee.snapshot()))).toEqual([])
    })
  })

  describe('watchers', () => {
    test('getAndWatch follows one entry', async () => {
      const bee = await open()
      await bee.put('a', 1)
      const watcher = await bee.getAndWatch('a')
      expect(watcher.node).toMatchObject({ key: 'a', value: 1 })
      const updated = (): Promise<void> => new Promise((resolve) => watcher.once('update', resolve))
      const change = updated()
      await bee.put('a', 2)
      await change
      expect(watcher.node).toEqual(await bee.get('a'))
      const deletion = updated()
      await bee.del('a')
      await deletion
      expect(watcher.node).toBe(null)
      await watcher.close()
    })

    test('getAndWatch starts with null for an absent key, and says nothing of other keys', async () => {
      const bee = await open()
      const watcher = await bee.getAndWatch('a')
      expect(watcher.node).toBe(null)
      let updates = 0
      watcher.on('update', () => updates++)
      await bee.put('b', 1)
      await bee.put('a', 1)
      await until(() => watcher.node !== null)
      expect(watcher.node).toMatchObject({ value: 1 })
      expect(updates).toBe(1)
      await watcher.close()
      await bee.put('a', 2)
      expect(watcher.node).toMatchObject({ value: 1 })
    })

    test('getAndWatch takes encodings', async () => {
      const bee = await open()
      await bee.put('a', { n: 1 })
      const watcher = await bee.getAndWatch('a', { valueEncoding: 'utf-8' })
      expect(watcher.node?.value).toBe('{"n":1}')
      await watcher.close()
    })

    test('watch gives the current and the previous snapshot', async () => {
      const bee = await open()
      await bee.put('a', 1)
      const watcher = bee.watch()
      await watcher.ready()
      const seen: unknown[] = []
      const first = watcher.next()
      await bee.put('a', 2)
      for (const change of [first, null]) {
        if (change === null) await bee.del('a')
        const { value } = (await (change ?? watcher.next())) as IteratorYieldResult<[Reader, Reader]>
        const [current, previous] = value
        seen.push([
          (await current.get('a'))?.value,
          (await previous.get('a'))?.value,
          current.version - previous.version
        ])
        const diff = await collect(current.createDiffStream(previous))
        expect(diff).toHaveLength(1)
      }
      expect(seen).toEqual([
        [2, 1, 1],
        [undefined, 2, 1]
      ])
      await watcher.close()
    })

    test('watch keeps to its range', async () => {
      const bee = await open()
      const watcher = bee.watch({ gte: 'b', lt: 'd' })
      await watcher.ready()
      const next = watcher.next()
      await fill(bee, 'a', 'd')
      await fill(bee, 'c')
      const { value } = (await next) as IteratorYieldResult<[Reader, Reader]>
      expect(await keysOf(value[0].createReadStream())).toContain('c')
      await watcher.close()
    })

    test('changes that come between two turns of the loop come together', async () => {
      const bee = await open()
      const watcher = bee.watch()
      await watcher.ready()
      await fill(bee, 'a', 'b', 'c')
      const { value } = (await watcher.next()) as IteratorYieldResult<[Reader, Reader]>
      expect(await keysOf(value[0].createReadStream())).toEqual(['a', 'b', 'c'])
      expect(await keysOf(value[1].createReadStream())).toEqual([])
      await watcher.close()
    })

    test('watch ends with close, also for those who wait', async () => {
      const bee = await open()
      const watcher = bee.watch()
      await watcher.ready()
      const waiting = [watcher.next(), watcher.next()]
      // Both are really waiting by the time the database has answered.
      await bee.get('a')
      await watcher.close()
      expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true])
      expect((await watcher.next()).done).toBe(true)
    })

    test('watch ends with break', async () => {
      const bee = await open()
      const watcher = bee.watch()
      await watcher.ready()
      const looped = (async (): Promise<unknown> => {
        for await (const [current] of watcher) {
          return keysOf(current.createReadStream())
        }
        return null
      })()
      await fill(bee, 'a')
      expect(await looped).toEqual(['a'])
      expect((await watcher.next()).done).toBe(true)
    })

    test('watch ends when the database closes', async () => {
      const bee = await open()
      const watcher = bee.watch()
      await watcher.ready()
      const next = watcher.next()
      await bee.close()
      expect((await next).done).toBe(true)
    })
  })

  describe('encodings', () => {
    test('binary keys', async () => {
      const bee = await open({ keyEncoding: 'binary' })
      const keys = [
        bytes(),
        bytes(0),
        bytes(0, 0),
        bytes(1),
        bytes(0x7f),
        bytes(0x80),
        bytes(0xff),
        bytes(0xff, 0)
      ]
      for (const key of keys.toReversed()) await bee.put(key, b4a.toString(key, 'hex'))
      for (const key of keys) expect((await bee.get(key))?.value).toBe(b4a.toString(key, 'hex'))
      const listed = (await keysOf(bee.createReadStream())) as Uint8Array[]
      expect(listed.map((key) => b4a.toString(key, 'hex'))).toEqual(
        keys.map((key) => b4a.toString(key, 'hex'))
      )
      expect(listed[0]).toBeInstanceOf(Uint8Array)
      expect(await keysOf(bee.createReadStream({ gt: bytes(0x80) }))).toHaveLength(2)
      await bee.put('text', 1)
      expect((await bee.get(b4a.from('text')))?.value).toBe(1)
    })

    test('binary values', async () => {
      const bee = await open({ valueEncoding: 'binary' })
      await bee.put('a', bytes(0, 255))
      await bee.put('b', 'text')
      await bee.put('c', bytes())
      expect(b4a.equals((await bee.get('a'))?.value as Uint8Array, bytes(0, 255))).toBe(true)
      expect(b4a.toString((await bee.get('b'))?.value as Uint8Array)).toBe('text')
      expect(await bee.get('c')).toMatchObject({ value: { byteLength: 0 } })
    })

    test('utf-8 values', async () => {
      const bee = await open({ valueEncoding: 'utf-8' })
      for (const text of ['text', '', '\u{1f600}', 'null', '{"a":1}']) {
        await bee.put('a', text)
        expect((await bee.get('a'))?.value).toBe(text)
      }
    })

    test.each([['utf-8'], ['binary'], ['json'], ['ascii'], ['a codec']])(
      'put without a value stores null under %s values too',
      async (name) => {
        const bee = await open({ valueEncoding: name === 'a codec' ? c.uint : name })
        await bee.put('a')
        await bee.put('b', null)
        expect(await bee.get('a')).toMatchObject({ key: 'a', value: null })
        expect(await pairsOf(bee.createReadStream())).toEqual([
          ['a', null],
          ['b', null]
        ])
      }
    )

    test('json keys', async () => {
      const bee = await open({ keyEncoding: 'json' })
      for (const key of [['a', 1], { b: 2 }, 7, 'text', true]) {
        await bee.put(key, key)
        expect(await bee.get(key)).toMatchObject({ key, value: key })
      }
      expect(await keysOf(bee.createReadStream({ gte: 'a', lt: 'z' }))).toEqual(['text'])
    })

    test('ascii keys and values', async () => {
      const bee = await open({ keyEncoding: 'ascii', valueEncoding: 'ascii' })
      await bee.put('key', 'value')
      expect(await bee.get('key')).toMatchObject({ key: 'key', value: 'value' })
    })

    test('a compact-encoding codec for keys and values', async () => {
      const point = {
        preencode(state: never, { x, y }: { x: number; y: string }): void {
          c.uint.preencode(state, x)
          c.string.preencode(state, y)
        },
        encode(state: never, { x, y }: { x: number; y: string }): void {
          c.uint.encode(state, x)
          c.string.encode(state, y)
        },
        decode(state: never): { x: number; y: string } {
          return { x: c.uint.decode(state), y: c.string.decode(state) }
        }
      }
      const bee = await open({ keyEncoding: c.uint16, valueEncoding: point })
      await bee.put(7, { x: 70_000, y: 'text' })
      await bee.put(3, { x: 0, y: '' })
      expect(await bee.get(7)).toMatchObject({ key: 7, value: { x: 70_000, y: 'text' } })
      expect(await pairsOf(bee.createReadStream())).toEqual([
        [3, { x: 0, y: '' }],
        [7, { x: 70_000, y: 'text' }]
      ])
      expect(await keysOf(bee.createReadStream({ gt: 3 }))).toEqual([7])
    })

    test('for one call', async () => {
      const bee = await open()
      await bee.put(bytes(0x61), 'text', { keyEncoding: 'binary', valueEncoding: 'utf-8' })
      expect(await bee.get('a', { valueEncoding: 'utf-8' })).toMatchObject({ key: 'a', value: 'text' })
      await bee.put('a', { n: 1 })
      expect((await bee.get('a', { valueEncoding: 'utf-8' }))?.value).toBe('{"n":1}')
      expect(await pairsOf(bee.createReadStream({}, { valueEncoding: 'utf-8' }))).toEqual([['a', '{"n":1}']])
      await bee.del(bytes(0x61), { keyEncoding: 'binary' })
      expect(await bee.get('a')).toBe(null)
    })

    test('of keys in the range of a stream, for one call', async () => {
      const bee = await open()
      await fill(bee, 'a', 'b', 'c')
      const keys = await keysOf(bee.createReadStream({ gt: bytes(0x61) }, { keyEncoding: 'binary' }))
      expect((keys as Uint8Array[]).map((key) => b4a.toString(key))).toEqual(['b', 'c'])
    })
  })
})

// What follows is where the two differ on purpose.

describe('the same value again', () => {
  test('writes another entry in a Hyperbee', async () => {
    const bee = await openHyperbee()
    await bee.put('a', { b: 1, a: 2 })
    const { version } = bee
    await bee.put('a', { b: 1, a: 2 })
    expect(bee.version).toBe(version + 1)
  })

  test('writes nothing in a MultiBee, as in a Hyperbee with alwaysDuplicate: false', async () => {
    for (const bee of [await openMultiBee(), await openHyperbee({ alwaysDuplicate: false })]) {
      await bee.put('a', { b: 1, a: 2 })
      const { version } = bee
      const entry = await bee.get('a')
      await bee.put('a', { b: 1, a: 2 })
      expect(bee.version).toBe(version)
      expect(await bee.get('a')).toEqual(entry)
    }
  })

  test('may have its fields in another order in a MultiBee', async () => {
    const bee = await openMultiBee()
    await bee.put('a', { b: 1, a: { d: 1, c: 2 } })
    const { version } = bee
    await bee.put('a', { a: { c: 2, d: 1 }, b: 1 })
    expect(bee.version).toBe(version)
  })
})

describe('the order of fields', () => {
  test('is kept by a Hyperbee', async () => {
    const bee = await openHyperbee()
    await bee.put('a', { b: 1, a: 2 })
    expect(JSON.stringify((await bee.get('a'))?.value)).toBe('{"b":1,"a":2}')
  })

  test('is that of their names in a MultiBee', async () => {
    const bee = await openMultiBee()
    await bee.put('a', { b: 1, a: 2 })
    expect(JSON.stringify((await bee.get('a'))?.value)).toBe('{"a":2,"b":1}')
  })
})

describe('the seq of an entry', () => {
  test('is the block it stands in, one less than the version that first shows it, in a Hyperbee', async () => {
    const bee = await openHyperbee()
    await bee.put('a', 1)
    const entry = await bee.get('a')
    expect(entry?.seq).toBe(bee.version - 1)
    expect(await bee.checkout(entry?.seq ?? 0).get('a')).toBe(null)
  })

  test('is the version that first shows it in a MultiBee', async () => {
    const bee = await openMultiBee()
    await bee.put('a', 1)
    const entry = await bee.get('a')
    expect(entry?.seq).toBe(bee.version)
    expect(await bee.checkout(entry?.seq ?? 0).get('a')).toEqual(entry)
  })
})

describe('a batch', () => {
  test('raises the version of a Hyperbee by its operations', async () => {
    const bee = await openHyperbee()
    await bee.put('z', 1)
    const { version } = bee
    const batch = bee.batch()
    await fill(batch, 'a', 'b', 'c')
    await batch.flush()
    expect(bee.version).toBe(version + 3)
  })

  test('is one version of a MultiBee', async () => {
    const bee = await openMultiBee()
    const { version } = bee
    const batch = bee.batch()
    await fill(batch, 'a', 'b', 'c')
    await batch.flush()
    expect(bee.version).toBe(version + 1)
    expect(new Set((await collect(bee.createReadStream())).map(({ seq }) => seq)).size).toBe(1)
  })

  test('holds the write lock of a Hyperbee from its first operation on', async () => {
    const bee = await openHyperbee()
    const batch = bee.batch()
    await batch.put('a', 1)
    let settled = false
    const put = bee.put('b', 2).finally(() => (settled = true))
    expect(await bee.get('b')).toBe(null)
    expect(settled).toBe(false)
    await batch.flush()
    await put
  })

  test('blocks nobody in a MultiBee, and does not overwrite what was written meanwhile', async () => {
    const bee = await openMultiBee()
    await bee.put('a', { name: 'Ada', phone: '1' })
    const batch = bee.batch()
    await batch.put('a', { name: 'Ada L', phone: '1' })
    await bee.put('a', { name: 'Ada', phone: '2' })
    expect(await batch.get('a')).toMatchObject({ value: { name: 'Ada L', phone: '1' } })
    await batch.flush()
    expect((await bee.get('a'))?.value).toEqual({ name: 'Ada L', phone: '2' })
  })

  test('silently loses what is put into it after flush in a Hyperbee', async () => {
    const bee = await openHyperbee()
    const batch = bee.batch()
    await batch.put('a', 1)
    await batch.flush()
    await batch.put('b', 2)
    await batch.flush()
    expect(await keysOf(bee.createReadStream())).toEqual(['a'])
  })

  test('is done after flush in a MultiBee', async () => {
    const bee = await openMultiBee()
    const batch = bee.batch()
    await batch.put('a', 1)
    await batch.flush()
    await expect(batch.put('b', 2)).rejects.toMatchObject({ code: 'MULTI_BEE_BATCH_CLOSED' })
  })

  test('asks cas with the operation in a Hyperbee', async () => {
    const bee = await openHyperbee()
    await bee.put('a', 1)
    const batch = bee.batch()
    let asked = 0
    await batch.put('a', 2, { cas: () => ++asked > 0 })
    expect(asked).toBe(1)
    await batch.flush()
  })

  test('asks cas with flush in a MultiBee', async () => {
    const bee = await openMultiBee()
    await bee.put('a', 1)
    const batch = bee.batch()
    let asked = 0
    await batch.put('a', 2, { cas: () => ++asked > 0 })
    expect(asked).toBe(0)
    await batch.flush()
    expect(asked).toBe(1)
  })
})

describe('puts that are not awaited', () => {
  test('are one version each in a Hyperbee', async () => {
    const bee = await openHyperbee()
    const { version } = bee
    await Promise.all([bee.put('a', 1), bee.put('b', 1), bee.put('c', 1)])
    expect(bee.version - version).toBe(3)
  })

  test('may share one version in a MultiBee', async () => {
    const bee = await openMultiBee()
    const { version } = bee
    await Promise.all([bee.put('a', 1), bee.put('b', 1), bee.put('c', 1)])
    expect(bee.version - version).toBe(1)
  })
})

describe('a version that is still to come', () => {
  test('is waited for by a Hyperbee', async () => {
    const bee = await openHyperbee()
    await bee.put('a', 1)
    const checkout = bee.checkout(bee.version + 1)
    const entry = checkout.get('b')
    await bee.put('b', 1)
    expect(await entry).toMatchObject({ key: 'b' })
    await checkout.close()
  })

  test('is refused by a MultiBee', async () => {
    const bee = await openMultiBee()
    await expect(bee.checkout(bee.version + 1).get('b')).rejects.toMatchObject({
      code: 'MULTI_BEE_BAD_ARGUMENT'
    })
  })
})

describe('a sub', () => {
  test('of a Hyperbee cannot be watched', async () => {
    const sub = (await openHyperbee()).sub('s')
    expect(() => sub.watch()).toThrow('main bee')
    await expect(sub.getAndWatch('a')).rejects.toThrow('main bee')
  })

  test('of a MultiBee can be watched', async () => {
    const bee = await openMultiBee()
    const sub = bee.sub('s')
    const watcher = sub.watch()
    await watcher.ready()
    const entry = await sub.getAndWatch('a')
    const next = watcher.next()
    await bee.put('a', 1)
    await sub.put('a', 2)
    const { value } = (await next) as IteratorYieldResult<[Reader, Reader]>
    expect(await pairsOf(value[0].createReadStream())).toEqual([['a', 2]])
    await until(() => entry.node !== null)
    expect(entry.node).toMatchObject({ key: 'a', value: 2 })
    await watcher.close()
    await entry.close()
  })

  test('of a Hyperbee leaves its empty key out of ranges', async () => {
    const sub = (await openHyperbee()).sub('s')
    await fill(sub, '', 'a')
    expect(await keysOf(sub.createReadStream())).toEqual(['a'])
  })

  test('of a MultiBee has its empty key in ranges', async () => {
    const sub = (await openMultiBee()).sub('s')
    await fill(sub, '', 'a')
    expect(await keysOf(sub.createReadStream())).toEqual(['', 'a'])
  })

  test('of a Hyperbee closes the database with it', async () => {
    const bee = await openHyperbee()
    await bee.sub('s').close()
    await expect(bee.put('a', 1)).rejects.toThrow(/closed/i)
  })

  test('of a MultiBee closes nothing else', async () => {
    const bee = await openMultiBee()
    await bee.sub('s').close()
    await bee.put('a', 1)
    expect(await bee.get('a')).toMatchObject({ value: 1 })
  })
})

describe('a diff stream in reverse', () => {
  test('is in order all the same in a Hyperbee', async () => {
    const bee = await openHyperbee()
    await bee.put('z', 1)
    const { version } = bee
    await fill(bee, 'a', 'b')
    const rows = await collect(bee.createDiffStream(version, {}, { reverse: true }))
    expect(rows.map(({ left }) => left?.key)).toEqual(['a', 'b'])
  })

  test('is in reverse in a MultiBee', async () => {
    const bee = await openMultiBee()
    await bee.put('z', 1)
    const { version } = bee
    await fill(bee, 'a', 'b')
    const rows = await collect(bee.createDiffStream(version, {}, { reverse: true }))
    expect(rows.map(({ left }) => left?.key)).toEqual(['b', 'a'])
  })
})

describe('defaults and limits', () => {
  test('a Hyperbee takes and gives bytes by default', async () => {
    const bee = await openHyperbee({ keyEncoding: undefined, valueEncoding: undefined })
    await bee.put('a', 'text')
    expect(b4a.toString((await bee.get('a'))?.value as Uint8Array)).toBe('text')
  })

  test('a MultiBee has utf-8 keys and json values by default', async () => {
    const bee = await openMultiBee({ keyEncoding: undefined, valueEncoding: undefined })
    await bee.put('a', { n: 1 })
    expect(await bee.get('a')).toMatchObject({ key: 'a', value: { n: 1 } })
  })

  test('a Hyperbee makes one key of two with unpaired surrogates', async () => {
    const bee = await openHyperbee()
    await bee.put('\ud800', 1)
    expect((await bee.get('\ud801'))?.value).toBe(1)
  })

  test('a MultiBee refuses keys with unpaired surrogates', async () => {
    const bee = await openMultiBee()
    await expect(bee.put('\ud800', 1)).rejects.toMatchObject({ code: 'MULTI_BEE_BAD_KEY' })
  })
})

describe('the history stream', () => {
  test('of a Hyperbee lists entries by block', async () => {
    const bee = await openHyperbee()
    await bee.put('a', { x: 1, y: 1 })
    await bee.put('a', { x: 1, y: 2 })
    await bee.del('a')
    const history = await collect((bee as unknown as Hyperbee).createHistoryStream())
    expect(history.map(({ type, seq, value }) => [type, seq, value])).toEqual([
      ['put', 1, { x: 1, y: 1 }],
      ['put', 2, { x: 1, y: 2 }],
      ['del', 3, null]
    ])
  })

  test('of a MultiBee lists operations by key range, with device and time', async () => {
    const db = (await openMultiBee({ name: 'phone', clock: () => 1000 })) as unknown as MultiBee
    await db.put('a', { x: 1, y: 1 })
    await db.put('a', { x: 1, y: 2 })
    await db.put('b', 1)
    await db.del('a')
    const { writerKey: writer } = db
    const of = { key: 'a', writer, device: 'phone', time: 1000 }
    const expected = [
      { ...of, type: 'put', path: [], value: { x: 1, y: 1 }, seq: 1 },
      { ...of, type: 'put', path: ['y'], value: 2, seq: 2 },
      { ...of, type: 'del', path: [], value: null, seq: 4 }
    ]
    expect(await collect(db.createHistoryStream({ lt: 'b' }))).toEqual(expected)
    expect(await collect(db.createHistoryStream({ lt: 'b', reverse: true, limit: 2 }))).toEqual(
      expected.toReversed().slice(0, 2)
    )
    expect(await collect(db.createHistoryStream({ limit: 1 }))).toEqual(expected.slice(0, 1))
    expect(await collect(db.createHistoryStream({ limit: 0 }))).toEqual([])
  })
})
