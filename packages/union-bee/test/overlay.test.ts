import { MultiBee } from '@cloudpal/multi-bee'
import { collect, tmpStore } from '@cloudpal/test-kit'
import fc from 'fast-check'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { createOverlay, TOMBSTONE, tombstoneEncoding, UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'
import { entriesOf } from './support/model.ts'

const rowsOf = async (view: Pick<UnionBee, 'createReadStream'>) =>
  entriesOf(await collect(view.createReadStream()))

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

test('diff compares with the sources there are now', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make({ k: 1 }), lower: await make() })
  overlay.add(await make({ k: 0 }))
  const [step] = await collect(overlay.diff())
  expect(step?.right?.value).toBe(0)
})

test('diff does not close a lower bee that the overlay still reads', async () => {
  const make = await beeMaker()
  const shard = new FakeSource(new Map([['a', 1]]))
  await using overlay = createOverlay({ top: await make({ a: 2 }), lower: { bee: () => shard } })
  await collect(overlay.diff())
  expect(shard.closed).toBe(false)
})

test('a batch does not write through a closed overlay', async () => {
  const make = await beeMaker()
  const top = await make()
  const overlay = createOverlay({ top, lower: await make() })
  const batch = overlay.batch()
  await batch.put('a', 1)
  await overlay.close()
  await expect(batch.flush()).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  expect(await top.get('a')).toBeNull()
})

test('a failing flush of a batch is a UnionBeeError, as that of a put is', async () => {
  const make = await beeMaker()
  const top = await make()
  const faulty = altered(top, {
    batch: (options: never) =>
      Object.assign(top.batch(options), { flush: () => Promise.reject(new Error('disk')) })
  })
  await using overlay = createOverlay({ top: faulty, lower: await make() })
  const batch = overlay.batch()
  await batch.put('a', 1)
  await expect(batch.flush()).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
  await batch.close()
})

test('the top cannot be taken away below an overlay that writes to it', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make({ a: 0 }) })
  await expect(overlay.remove('top')).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  await overlay.put('a', 1)
  expect((await overlay.get('a'))?.value).toBe(1)
})

test('tombstones hide at every depth, also through a sub of an overlay of a union and a mount', async () => {
  const make = await beeMaker()
  const key = 's\0\u{1f600}'
  const other = 's\0\ufffd'
  const base = await make({ [key]: 0, [other]: 0 })
  await using inner = new UnionBee([base, { bee: await make({ x: 1 }), prefix: 's\0' }])
  await using middle = createOverlay({ top: await make(), lower: inner })
  await using outer = createOverlay({ top: await make(), lower: { bee: middle, prefix: 'm/' } })
  await middle.del(other)
  await outer.del(`m/s\0x`)
  expect(await rowsOf(outer)).toEqual([[`m/${key}`, 0]])
  expect(await rowsOf(outer.sub('m/s'))).toEqual([['\u{1f600}', 0]])
  await outer.put(`m/${other}`, 2)
  expect(entriesOf(await collect(outer.sub('m/s').createReadStream({ reverse: true, limit: 1 })))).toEqual([
    ['\u{1f600}', 0]
  ])
  expect(entriesOf(await collect(outer.sub('m/s').createReadStream({ lt: '\u{1f600}' })))).toEqual([
    ['\ufffd', 2]
  ])
})

test('a `cas` that would refuse a put is not passed over in silence', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make({ a: 1 }), lower: await make() })
  const refusing = { cas: (() => false) as never }
  await expect(overlay.put('a', 2, refusing)).rejects.toMatchObject({ code: 'UNION_BEE_UNSUPPORTED' })
  expect((await overlay.get('a'))?.value).toBe(1)
})

test('a batch that is left open does not keep the top locked after the overlay was closed', async () => {
  const make = await beeMaker()
  const top = await make()
  const overlay = createOverlay({ top, lower: await make() })
  await overlay.batch().put('a', 1)
  await overlay.close()
  await top.put('b', 1)
  expect((await collect(top.createReadStream())).map(({ key }) => key)).toEqual(['b'])
})

test('a value that cannot be encoded is refused, and leaves the top as it is', async () => {
  const make = await beeMaker()
  const top = await make()
  await using overlay = createOverlay({ top, lower: await make({ b: 1 }) })
  await expect(overlay.put('x', 1n)).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  const batch = overlay.batch()
  await expect(batch.put('y', 1n)).rejects.toMatchObject({ code: 'UNION_BEE_BAD_ARGUMENT' })
  await overlay.put('w', 1)
  await batch.put('z', 1)
  await batch.flush()
  expect((await rowsOf(overlay)).map(([key]) => key)).toEqual(['b', 'w', 'z'])
})
