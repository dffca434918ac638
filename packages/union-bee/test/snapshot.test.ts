import { MultiBee } from '@cloudpal/multi-bee'
import { collect, tmpStore } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOverlay, merged, UnionBee } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'
import { entriesOf, select, sorted, united } from './support/model.ts'

const keysOf = async (view: Pick<UnionBee, 'createReadStream'>) =>
  (await collect(view.createReadStream())).map(({ key }) => key)

test('a snapshot pins all sources in one turn: nothing written between two of them is half in it', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ a: 0 }), await make({ b: 0 })]
  await using union = new UnionBee([a, b])
  const early = union.snapshot()
  await a.put('a2', 1)
  await b.put('b2', 1)
  expect(await keysOf(early)).toEqual(['a', 'b'])
  expect(await early.get('a2')).toBeNull()
  expect((await early.peek({ reverse: true }))?.key).toBe('b')
  await early.close()
  expect(await keysOf(union)).toEqual(['a', 'a2', 'b', 'b2'])
})

test('a snapshot keeps its sources when the union changes them', async () => {
  const make = await beeMaker()
  await using union = new UnionBee([await make({ a: 0 }), await make({ b: 0 })])
  await using pin = union.snapshot()
  await union.remove('source-0')
  union.add(await make({ c: 0 }))
  expect(await keysOf(pin)).toEqual(['a', 'b'])
  expect(await keysOf(union)).toEqual(['b', 'c'])
})

test('a snapshot opens what is not open, and may go on without what cannot be opened', async () => {
  const make = await beeMaker()
  const shard = await make({ a: 0 })
  const lost = (): never => {
    throw new Error('offline')
  }
  await using union = new UnionBee([
    { bee: () => shard.snapshot(), name: 'shard' },
    { bee: lost, name: 'lost', policy: 'degrade' }
  ])
  await using pin = union.snapshot()
  const stream = pin.createReadStream()
  expect((await collect(stream)).map(({ key }) => key)).toEqual(['a'])
  expect(stream.skipped.map(({ source }) => source)).toEqual(['lost'])
  const strict = new UnionBee([{ bee: lost, name: 'lost' }])
  await expect(strict.snapshot().get('a')).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
})

test('a source that never changes is used as it is, and closed by the union alone', async () => {
  const fixed = new FakeSource(new Map([['a', 1]]))
  const union = new UnionBee([{ bee: () => fixed, immutable: true }])
  const pin = union.snapshot()
  expect(await keysOf(pin)).toEqual(['a'])
  await pin.close()
  expect(fixed.closed).toBe(false)
  expect(await keysOf(union)).toEqual(['a'])
  await union.close()
  expect(fixed.closed).toBe(true)
})

test('closing the union closes its snapshots', async () => {
  const make = await beeMaker()
  const union = new UnionBee([await make({ a: 0 })])
  const pin = union.snapshot()
  await pin.ready()
  await union.close()
  await expect(pin.get('a')).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
})

test('a snapshot of a MultiBee, a checkout and a union are sources too', async () => {
  const make = await beeMaker()
  await using db = new MultiBee(await tmpStore(), { name: 'laptop' })
  await db.put('m', 1)
  const bee = await make({ c: 1 })
  const checkout = bee.checkout(bee.version)
  await bee.put('later', 1)
  await using inner = new UnionBee([await make({ u: 1 })])
  await using union = new UnionBee([
    db,
    { bee: db.snapshot(), immutable: true },
    { bee: checkout, prefix: 'old/' },
    inner
  ])
  await using pin = union.snapshot()
  await pin.ready()
  await db.put('n', 1)
  expect(await keysOf(union)).toEqual(['m', 'n', 'old/c', 'u'])
  expect(await keysOf(pin)).toEqual(['m', 'old/c', 'u'])
})

test('the diff of two snapshots has exactly the keys that are shown otherwise', async () => {
  const make = await beeMaker()
  const aWrite = fc.record({ bee: fc.nat(3), key: aKey, value: fc.option(fc.nat(5)) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 4 }),
      fc.array(aWrite, { maxLength: 8 }),
      fc.constantFrom('none', 'reorder', 'remove'),
      fc.boolean(),
      fc.array(aRange, { maxLength: 3 }),
      async (data, writes, change, isOverlay, ranges) => {
        const maps = data.map((rows) => new Map<string, unknown>(Object.entries(rows)))
        const bees = await Promise.all(data.map((rows) => make(rows)))
        const [top, ...lower] = bees
        const layered = isOverlay && top !== undefined && lower.length > 0
        await using union: UnionBee = layered ? createOverlay({ top, lower }) : new UnionBee(bees)
        await using before = union.snapshot()
        await before.ready()
        const then = united(maps)
        // Written again with the same value a key is another entry: Hyperbee's diff has it too.
        const touched = new Map<string, unknown>()
        for (const { bee: at, key, value } of writes) {
          const i = at % bees.length
          if (value === null) await bees[i]?.del(key)
          else await bees[i]?.put(key, value)
          if (value === null) maps[i]?.delete(key)
          else maps[i]?.set(key, value)
          touched.set(key, true)
        }
        const order = union.sources.map(({ name }) => name)
        const places = order.map((_, i) => i)
        if (change === 'reorder' && !layered) {
          union.reorder(order.toReversed())
          places.reverse()
        }
        if (change === 'remove' && order.length > 1) {
          places.pop()
          const name = order.at(-1) as string
          union.reorder(order)
          void union.remove(name)
        }
        const now = united(places.map((i) => maps[i] as Map<string, unknown>))
        for (const range of [{}, ...ranges]) {
          const { reverse: _r, limit: _l, ...ends } = range
          const diff = await collect(union.createDiffStream(before, ends))
          const shown = diff.map(({ left, right }) => [(left ?? right)?.key, left?.value, right?.value])
          for (const [key, a, b] of shown) {
            expect([now.get(key as string), then.get(key as string)]).toEqual([a, b])
            if (change === 'none') expect(touched.has(key as string)).toBe(true)
          }
          const keys = shown.map(([key]) => key)
          const must = select(new Map([...now, ...then].map(([key]) => [key, 0])), ends)
            .map(([key]) => key)
            .filter((key) => now.get(key) !== then.get(key))
          expect(keys).toEqual(expect.arrayContaining(must))
          expect(keys).toEqual(sorted(new Map(keys.map((key) => [key as string, 0]))).map(([key]) => key))
        }
      }
    ),
    runs(50)
  )
})

test('the diff of a union that merges has the keys of which any part has changed', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ k: 1, same: 1 }), await make({ k: 2, same: 2 })]
  await using union = new UnionBee([a, b], {
    resolve: (candidates) => merged(candidates.map(({ entry }) => entry.value))
  })
  await using before = union.snapshot()
  await b.put('k', 3)
  const diff = await collect(union.createDiffStream(before))
  expect(diff.map(({ left, right }) => [left?.key, left?.value, right?.value])).toEqual([
    ['k', [1, 3], [1, 2]]
  ])
  expect(entriesOf(await collect(before.createReadStream()))).toEqual([
    ['k', [1, 2]],
    ['same', [1, 2]]
  ])
})
