import { collect, tmpStore } from '@cloudpal/test-kit'
import { MultiBee } from '@cloudpal/multi-bee'
import fc from 'fast-check'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { createOverlay, TOMBSTONE, tombstoneEncoding, UnionBee } from '../src/index.ts'
import { runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'

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
