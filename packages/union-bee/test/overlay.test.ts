import { collect, tmpStore } from '@cloudpal/test-kit'
import { MultiBee } from '@cloudpal/multi-bee'
import fc from 'fast-check'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { createOverlay, TOMBSTONE, tombstoneEncoding, UnionBee } from '../src/index.ts'
import { runs } from './support/arbitraries.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { entriesOf } from './support/model.ts'

test('no value of a user reads as a tombstone, and none is changed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), fc.nat(3), (tail, marks) => {
      const value = Buffer.concat([Buffer.alloc(marks, 0xff), tail])
      const codec = tombstoneEncoding('binary')
      const decoded = codec.decode(codec.encode(value as never))
      expect(decoded).not.toBe(TOMBSTONE)
      expect(Buffer.from(decoded as Uint8Array)).toEqual(value)
    }),
    runs(500)
  )
})

test('the bytes of a layer are those of FORMAT.md', () => {
  const hex = (encoding: 'json' | 'utf-8' | 'binary', value: unknown) =>
    Buffer.from(tombstoneEncoding(encoding).encode(value as never)).toString('hex')
  expect(hex('json', TOMBSTONE)).toBe('ff')
  expect(hex('binary', TOMBSTONE)).toBe('ff')
  expect(hex('binary', Buffer.from('ff', 'hex'))).toBe('ffff')
  expect(hex('binary', Buffer.from('ff00', 'hex'))).toBe('ffff00')
  expect(hex('binary', Buffer.from('00ff', 'hex'))).toBe('00ff')
  expect(hex('binary', Buffer.alloc(0))).toBe('')
  expect(hex('json', { a: 1 })).toBe('7b2261223a317d')
  expect(hex('utf-8', '\u00ff')).toBe('c3bf')
})

test('user data that looks like a tombstone in the raw bytes of a layer is hidden only where a layer wrote it', async () => {
  const store = await tmpStore()
  const raw = (name: string) =>
    new Hyperbee<string>(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'binary' })
  const [top, bottom] = [raw('top'), raw('bottom')]
  await bottom.put('plain', Buffer.from([0xff]))
  await using overlay = createOverlay<string, Uint8Array>({ top, lower: bottom, valueEncoding: 'binary' })
  await overlay.put('mine', Buffer.from([0xff]))
  expect((await overlay.get('plain'))?.value).toEqual(Buffer.from([0xff]))
  expect((await overlay.get('mine'))?.value).toEqual(Buffer.from([0xff]))
  expect((await collect(overlay.createReadStream())).length).toBe(2)
})

test('a bee with JSON values is a layer as it is, and one without tombstones an ordinary bee', async () => {
  const make = await beeMaker()
  const [top, lower] = [await make({ a: 1 }), await make({ a: 0, b: 0 })]
  await using overlay = createOverlay({ top, lower })
  await overlay.put('c', { deep: [1] })
  expect((await overlay.get('a'))?.value).toBe(1)
  expect((await top.get('c'))?.value).toEqual({ deep: [1] })
})

test('a layer hides keys of all sources after it, and a higher one may show the key again', async () => {
  const make = await beeMaker()
  const [high, middle, low] = [await make(), await make(), await make({ k: 'low', m: 'low' })]
  const edit = createOverlay({ top: middle, lower: low })
  await edit.del('k')
  await edit.del('m')
  await edit.close()
  await using union = new UnionBee([{ bee: high, layer: 'json' }, { bee: middle, layer: 'json' }, low])
  expect(await union.get('k')).toBeNull()
  await high.put('k', 'high')
  expect((await union.get('k'))?.value).toBe('high')
  expect((await collect(union.createReadStream())).map(({ key }) => key)).toEqual(['k'])
})

test('a batch reaches the top in one append', async () => {
  const make = await beeMaker()
  const [top, lower] = [await make(), await make({ a: 0, b: 0 })]
  await using overlay = createOverlay({ top, lower })
  const batch = overlay.batch()
  await batch.del('a')
  await batch.put('c', 1)
  expect(await overlay.has('a')).toBe(true)
  await batch.flush()
  expect((await collect(overlay.createReadStream())).map(({ key }) => key)).toEqual(['b', 'c'])
})

test('what is written while the top is folded stays in the top', async () => {
  const make = await beeMaker()
  const [top, lower, into] = [await make(), await make({ a: 0, b: 0, c: 0 }), await make()]
  await using overlay = createOverlay({ top, lower })
  await overlay.put('a', 1)
  await overlay.del('b')
  const { put } = into.batch()
  expect(put).toBeTypeOf('function')
  let wrote = false
  const slow = Object.assign(Object.create(into) as typeof into, {
    batch: () => {
      const batch = into.batch()
      const flush = batch.flush.bind(batch)
      return Object.assign(batch, {
        flush: async () => {
          if (!wrote) {
            wrote = true
            await overlay.put('a', 2)
            await overlay.put('d', 2)
          }
          await flush()
        }
      })
    }
  })
  await overlay.compact(slow)
  const shown = (await collect(overlay.createReadStream())).map(({ key, value }) => [key, value])
  expect(shown).toEqual([
    ['a', 2],
    ['c', 0],
    ['d', 2]
  ])
  expect((await collect(top.createReadStream())).map(({ key }) => key)).toEqual(['a', 'd'])
  expect((await collect(into.createReadStream())).map(({ key, value }) => [key, value])).toEqual([
    ['a', 1],
    ['c', 0]
  ])
})

test('a new bottom must be empty', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make() })
  await expect(overlay.compact(await make({ a: 1 }))).rejects.toMatchObject({ code: 'UNION_BEE_NOT_EMPTY' })
})

test('the history of a layer shows a tombstone as a del', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make({ a: 0 }) })
  await overlay.del('a')
  const history = await collect(overlay.createHistoryStream())
  expect(history.map(({ type, key, source, value }) => [type, key, source, value])).toEqual([
    ['del', 'a', 'top', null],
    ['put', 'a', 'source-0', 0]
  ])
})

test('a MultiBee is a top and a layer too', async () => {
  const make = await beeMaker()
  await using top = new MultiBee(await tmpStore(), { name: 'laptop' })
  await using overlay = createOverlay({ top, lower: await make({ a: 0, b: 0 }) })
  await overlay.del('a')
  await overlay.put('b', { nested: 1 })
  expect((await collect(overlay.createReadStream())).map(({ key, value }) => [key, value])).toEqual([
    ['b', { nested: 1 }]
  ])
  await overlay.compact(await make())
  expect((await collect(overlay.createReadStream())).map(({ key }) => key)).toEqual(['b'])
  expect(await collect(top.createReadStream())).toEqual([])
})

/** The same bee with other methods. */
const altered = <T extends object>(bee: T, changes: object): T =>
  Object.assign(Object.create(bee) as T, changes)

test('a compaction is refused when a source was left out, and nothing has changed', async () => {
  const make = await beeMaker()
  const good = await make({ a: 0, b: 0 })
  let isOffline = true
  const lower = altered(good, {
    createReadStream: (...args: Parameters<TextBee['createReadStream']>) => {
      if (isOffline) throw new Error('offline')
      return good.createReadStream(...args)
    },
    createRangeIterator: undefined,
    snapshot: (): TextBee => altered(lower, { close: () => Promise.resolve() })
  })
  await using overlay = createOverlay({ top: await make({ c: 1 }), lower, policy: 'degrade' })
  await expect(overlay.compact(await make())).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
  isOffline = false
  expect(entriesOf(await collect(overlay.createReadStream()))).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 1]
  ])
})

test('a compaction that fails leaves the top writable', async () => {
  const make = await beeMaker()
  const top = await make({ a: 1 })
  let isFailing = true
  const faulty = altered(top, {
    batch: (options: Parameters<TextBee['batch']>[0]) => {
      const batch = top.batch(options)
      const get = batch.get.bind(batch)
      return Object.assign(batch, {
        get: (key: string) => (isFailing ? Promise.reject(new Error('block not available')) : get(key))
      })
    }
  })
  await using overlay = createOverlay({ top: faulty, lower: await make() })
  await expect(overlay.compact(await make())).rejects.toThrow('block not available')
  isFailing = false
  await overlay.put('b', 2)
  expect((await overlay.get('b'))?.value).toBe(2)
})

test('a compaction keeps a source that was added meanwhile, and is refused below one that stands above the top', async () => {
  const make = await beeMaker()
  const into = await make()
  const late = await make({ late: 1 })
  await using overlay = createOverlay({ top: await make({ a: 1 }), lower: await make({ b: 1 }) })
  const slow = altered(into, {
    batch: () => {
      if (!overlay.sources.some(({ name }) => name === 'late')) overlay.add({ bee: late, name: 'late' })
      return into.batch()
    }
  })
  await overlay.compact(slow)
  expect((await overlay.get('late'))?.value).toBe(1)
  overlay.add({ bee: await make({ z: 9 }), name: 'above' }, { at: 0 })
  await expect(overlay.compact(await make())).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  expect((await overlay.get('z'))?.value).toBe(9)
})

test('a compaction says when the new bottom has all, before anything is taken out of the top', async () => {
  const make = await beeMaker()
  const [top, into] = [await make(), await make()]
  await using overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  await overlay.put('a', 1)
  const { version } = top
  let told = 0
  await overlay.compact(into, {
    onFolded: async () => {
      told++
      expect(top.version).toBe(version)
      expect(entriesOf(await collect(into.createReadStream()))).toEqual([
        ['a', 1],
        ['b', 1]
      ])
    }
  })
  expect(told).toBe(1)
  expect(top.version).toBeGreaterThan(version)
})
