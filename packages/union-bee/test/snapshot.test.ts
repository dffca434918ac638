import { MultiBee } from '@cloudpal/multi-bee'
import { collect, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { UnionBee, type UnionView } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'

const keysOf = async (view: Pick<UnionBee, 'createReadStream'>) =>
  (await collect(view.createReadStream())).map(({ key }) => key)
const rawBee = (store: Awaited<ReturnType<typeof tmpStore>>, name: string): TextBee =>
  new Hyperbee(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'json' })

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

test('a sub of a snapshot that is not open yet stands still as well', async () => {
  const store = await tmpStore()
  const bee = rawBee(store, 'a')
  await using union = new UnionBee([bee])
  await using pin = union.snapshot()
  const sub = pin.sub('s')
  await pin.ready()
  await bee.put('s\0k', 1)
  expect(await pin.get('s\0k')).toBeNull()
  expect(await sub.get('k')).toBeNull()
})

test('a snapshot of a snapshot that is not open yet is the same snapshot', async () => {
  const store = await tmpStore()
  const bee = rawBee(store, 'a')
  await using union = new UnionBee([bee])
  await using pin = union.snapshot()
  const second = pin.snapshot()
  await pin.ready()
  await bee.put('k', 1)
  expect(await pin.get('k')).toBeNull()
  expect(await second.get('k')).toBeNull()
})

test('a snapshot that is ready pins the sources of a union among the sources', async () => {
  const store = await tmpStore()
  const bee = rawBee(store, 'a')
  await using inner = new UnionBee([bee])
  await using outer = new UnionBee([inner])
  await using pin = outer.snapshot()
  await pin.ready()
  await bee.put('k', 1)
  expect(await pin.get('k')).toBeNull()
})

test('a snapshot goes on when a union among the sources, which the outer has opened, is removed', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  await using outer = new UnionBee([{ bee: () => new UnionBee([bee]), name: 'inner' }, await make()])
  await outer.get('a')
  await using pin = outer.snapshot()
  await pin.ready()
  const removed = outer.remove('inner')
  expect((await pin.get('a'))?.value).toBe(1)
  await pin.close()
  await removed
})

test('a snapshot that is refused lets go of what it has pinned', async () => {
  const make = await beeMaker()
  const bee = await make()
  let open = 0
  const counted = altered(bee, {
    snapshot: () => {
      open++
      const snapshot = bee.snapshot()
      const close = snapshot.close.bind(snapshot)
      return Object.assign(snapshot, { close: () => (open--, close()) })
    }
  })
  const plain = Object.assign(new FakeSource(new Map()), { opened: true })
  const union = new UnionBee([counted, plain])
  expect(() => union.snapshot()).toThrow(/UNSUPPORTED/)
  await union.close()
  expect(open).toBe(0)
})

test('a snapshot that is closed, or whose union is, while a source never opens is refused', async () => {
  const make = await beeMaker()
  const stuck = (): Promise<never> => new Promise(() => {})
  for (const end of [(_: UnionBee, pin: UnionView) => pin.close(), (union: UnionBee) => union.close()]) {
    const union = new UnionBee([await make(), { bee: stuck }])
    const pin = union.snapshot()
    const reads = [pin.ready(), pin.get('a'), pin.sub('s').get('a'), pin.snapshot().get('a')]
    const refused = Promise.allSettled(reads)
    await end(union, pin)
    for (const result of await refused)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'UNION_BEE_CLOSED' } })
    await union.close()
  }
})

test('a snapshot pins unions among the sources in the same turn, and a source that comes while it opens', async () => {
  const make = await beeMaker()
  const [a, b, late] = [await make(), await make(), await make()]
  await using inner = new UnionBee([{ bee: () => Promise.resolve(a) }])
  await using union = new UnionBee([b, { bee: () => Promise.resolve(inner), prefix: 'in/' }])
  const pin = union.snapshot()
  const ready = pin.ready()
  union.add({ bee: () => Promise.resolve(late), prefix: 'late/' })
  await ready
  await Promise.all([a.put('k', 1), b.put('k', 1), late.put('k', 1)])
  expect(await keysOf(pin)).toEqual([])
  expect(await keysOf(union)).toEqual(['in/k', 'k', 'late/k'])
  // Now all are open.
  const second = union.snapshot()
  await Promise.all([a.put('l', 1), b.put('l', 1), late.put('l', 1)])
  expect(await keysOf(second)).toEqual(['in/k', 'k', 'late/k'])
  expect(await keysOf(second.sub('in'))).toEqual([])
})
