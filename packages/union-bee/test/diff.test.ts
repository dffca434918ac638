import { MultiBee } from '@cloudpal/multi-bee'
import { collect, tmpStore } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BeeLike, createOverlay, merged, newest, UnionBee } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'
import { entriesOf, select, sorted, united } from './support/model.ts'

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

test('a source replaced by another of the same name is a change', async () => {
  const make = await beeMaker()
  await using union = new UnionBee([{ bee: await make({ k: 'old' }), name: 'x' }, await make()])
  await using before = union.snapshot()
  await union.remove('x')
  union.add({ bee: await make({ k: 'new' }), name: 'x' }, { at: 0 })
  const diff = await collect(union.createDiffStream(before))
  expect(diff.map(({ left, right }) => [left?.value, right?.value])).toEqual([['new', 'old']])
})

test('a write to an overlay is seen through a union over it', async () => {
  const make = await beeMaker()
  await using overlay = createOverlay({ top: await make(), lower: await make({ k: 'below' }) })
  await using outer = new UnionBee([overlay])
  await using before = outer.snapshot()
  await before.ready()
  await overlay.put('k', 'above')
  const diff = await collect(outer.createDiffStream(before))
  expect(diff.map(({ left, right }) => [left?.value, right?.value])).toEqual([['above', 'below']])
})

test('a change of the second part of a merged value is seen through a union over it', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ k: 1 }), await make({ k: 2 })]
  await using inner = new UnionBee([a, b], {
    resolve: (candidates) => merged(candidates.map(({ entry }) => entry.value))
  })
  await using outer = new UnionBee([inner])
  await using before = outer.snapshot()
  await before.ready()
  await b.put('k', 3)
  const diff = await collect(outer.createDiffStream(before))
  expect(diff.map(({ left, right }) => [left?.value, right?.value])).toEqual([
    [
      [1, 3],
      [1, 2]
    ]
  ])
})

test('a source that is mounted elsewhere under its old name is a change', async () => {
  const make = await beeMaker()
  const bee = await make({ k: 1 })
  await using union = new UnionBee([await make(), { bee, name: 'x', prefix: 'old/' }])
  await using before = union.snapshot()
  await union.remove('x')
  union.add({ bee, name: 'x', prefix: 'new/' })
  const diff = await collect(union.createDiffStream(before))
  expect(diff.map(({ left, right }) => (left ?? right)?.key)).toEqual(['new/k', 'old/k'])
})

test('a diff that a source was left out of says so', async () => {
  const make = await beeMaker()
  const [a, b] = [await make(), await make({ k: 1 })]
  let offline = false
  const flaky: BeeLike = {
    get: (key) => (offline ? Promise.reject(new Error('offline')) : b.get(key)),
    createReadStream: (range, options) => {
      if (offline) throw new Error('offline')
      return b.createReadStream(range, options)
    },
    snapshot: () => flaky
  }
  await using union = new UnionBee([a, flaky], { policy: 'degrade' })
  await using before = union.snapshot()
  await before.ready()
  offline = true
  await a.put('x', 1)
  const stream = union.createDiffStream(before)
  await collect(stream)
  expect(stream.skipped.map(({ source }) => source)).toContain('source-1')
})

test('a change of what a resolver passes over is no change of what is shown', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ k: 10 }), await make({ k: 5 })]
  await using union = new UnionBee([a, b], { resolve: newest(({ value }) => value as number) })
  await using before = union.snapshot()
  await b.put('k', 6)
  expect(await collect(union.createDiffStream(before))).toEqual([])
})

test('a MultiBee below: the diff sees a second write of a key', async () => {
  await using db = new MultiBee(await tmpStore(), { name: 'laptop' })
  await db.put('k', 1)
  await using union = new UnionBee([db as unknown as BeeLike])
  await using before = union.snapshot()
  await before.ready()
  await db.put('k', 2)
  const diff = await collect(union.createDiffStream(before))
  expect(diff.map(({ left, right }) => [left?.value, right?.value])).toEqual([[2, 1]])
})

test('a function that now opens another bee is another source', async () => {
  const make = await beeMaker()
  const [old, other, fix] = [await make({ a: 1 }), await make({ a: 2 }), await make({ z: 1 })]
  let current = old
  const open = () => current.snapshot() as unknown as BeeLike
  await using union = new UnionBee([fix, { bee: open, name: 'shard' }])
  await union.get('a')
  await using before = union.snapshot()
  await before.ready()
  current = other
  void union.remove('shard')
  union.add({ bee: open, name: 'shard' })
  const changes = await collect(union.createDiffStream(before))
  expect(changes.map(({ left, right }) => [left?.key, left?.value, right?.value])).toEqual([['a', 2, 1]])
})

test('views of different prefixes are not compared', async () => {
  const make = await beeMaker()
  await using union = new UnionBee([await make()])
  await using before = union.snapshot()
  for (const [one, two] of [
    [union.sub('p'), before],
    [union, before.sub('p')],
    [union.sub('p'), before.sub('q')]
  ] as const)
    expect(() => one.createDiffStream(two)).toThrow(/^UNION_BEE_BAD_ARGUMENT/)
  expect(await collect(union.sub('p').createDiffStream(before.sub('p')))).toEqual([])
})
