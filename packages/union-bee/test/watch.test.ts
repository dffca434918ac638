import { collect, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type BeeLike, UnionBee } from '../src/index.ts'
import { beeMaker } from './support/bees.ts'

test('a watcher yields what is shown now and what was before, for each source that changes', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ k: 'a' }), await make({ k: 'b' })]
  await using union = new UnionBee([a, b])
  const watcher = union.watch()
  await watcher.ready()
  await b.put('x', 1)
  const first = await watcher.next()
  expect((await first.value?.[0].get('x'))?.value).toBe(1)
  expect(await first.value?.[1].get('x')).toBeNull()
  await a.del('k')
  const second = await watcher.next()
  expect((await second.value?.[0].get('k'))?.value).toBe('b')
  expect((await second.value?.[1].get('k'))?.value).toBe('a')
  await watcher.close()
  expect((await watcher.next()).done).toBe(true)
})

test('a change that is hidden, or out of range, is none', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ k: 'a' }), await make({ k: 'b' })]
  await using union = new UnionBee([a, b])
  const watcher = union.watch({ gte: 'k', lt: 'm' })
  await watcher.ready()
  await b.put('k', 'hidden')
  await b.put('z', 'out of range')
  await a.put('l', 'shown')
  const { value } = await watcher.next()
  const diff = await collect(value?.[0].createDiffStream(value[1], { gte: 'k', lt: 'm' }) ?? [])
  expect(diff.map(({ left }) => left?.key)).toEqual(['l'])
  await watcher.close()
})

test('a source that changes nothing that is shown wakes nobody', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  await using union = new UnionBee([bee])
  await using watcher = union.watch()
  await watcher.ready()
  const step = watcher.next()
  union.add(await make({ a: 2 }))
  await bee.put('b', 1)
  const { value } = await step
  const diff = await collect(value?.[0].createDiffStream(value[1]) ?? [])
  expect(diff.map(({ left }) => left?.key)).toEqual(['b'])
})

test('a watcher sees sources come and go', async () => {
  const make = await beeMaker()
  await using union = new UnionBee([await make({ a: 1 })])
  await using watcher = union.watch()
  await watcher.ready()
  const added = await make({ b: 1 })
  union.add({ bee: added, name: 'added' })
  const first = await watcher.next()
  expect(await collect(first.value?.[0].createReadStream() ?? [])).toHaveLength(2)
  await added.put('c', 1)
  const second = await watcher.next()
  expect(await collect(second.value?.[0].createReadStream() ?? [])).toHaveLength(3)
  void union.remove('added')
  const third = await watcher.next()
  expect(await collect(third.value?.[0].createReadStream() ?? [])).toHaveLength(1)
})

test('a watcher ends with the union, also while it waits', async () => {
  const make = await beeMaker()
  const union = new UnionBee([await make()])
  const watcher = union.watch()
  const waiting = watcher.next()
  await watcher.ready()
  await union.close()
  expect((await waiting).done).toBe(true)
})

test('an early break closes the watcher', async () => {
  const make = await beeMaker()
  const bee = await make()
  await using union = new UnionBee([bee])
  const watcher = union.watch()
  await watcher.ready()
  await bee.put('a', 1)
  for await (const _ of watcher) break
  expect(watcher.closed).toBe(true)
})

test('a sub is watched with its own keys', async () => {
  const make = await beeMaker()
  const bee = await make()
  await using union = new UnionBee([bee])
  await using watcher = union.sub('part').watch()
  await watcher.ready()
  await bee.put('other', 1)
  await bee.put('part\0k', 1)
  const { value } = await watcher.next()
  expect((await value?.[0].get('k'))?.value).toBe(1)
})

test('a union among the sources is watched through', async () => {
  const make = await beeMaker()
  const bee = await make()
  await using inner = new UnionBee([bee])
  await using outer = new UnionBee([{ bee: inner, prefix: 'in/' }, await make()])
  await using watcher = outer.watch({ gte: 'in/b' })
  await watcher.ready()
  const step = watcher.next()
  await bee.put('a', 1)
  await bee.put('b', 1)
  const { value } = await step
  expect((await value?.[0].get('in/b'))?.value).toBe(1)
  expect(await value?.[1].get('in/b')).toBeNull()
})

test('a watcher says that a source it follows has ended', async () => {
  const make = await beeMaker()
  for (const policy of ['fail', 'degrade'] as const) {
    const [one, two] = [await make({ a: 1 }), await make({ b: 1 })]
    await using union = new UnionBee([one, two], { policy })
    const watcher = union.watch()
    await watcher.ready()
    const next = watcher.next()
    next.catch(() => {})
    await one.close()
    if (policy === 'fail') await expect(next).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
    else await until(() => watcher.skipped.length === 1)
    await watcher.close()
  }
})

test('a source that is taken away and closed, while another one is being opened, is no failure of a watcher', async () => {
  const make = await beeMaker()
  const [one, two, three] = [await make({ a: 1 }), await make({ b: 1 }), await make()]
  let answer: ((bee: BeeLike) => void) | null = null
  await using union = new UnionBee([{ bee: one, name: 'one' }, two])
  await using watcher = union.watch()
  await watcher.ready()
  union.add({ bee: () => new Promise<BeeLike>((resolve) => (answer = resolve)) })
  await until(() => answer !== null)
  const removed = union.remove('one')
  await one.close()
  ;(answer as ((bee: BeeLike) => void) | null)?.(three)
  await removed
  expect(await (await watcher.next()).value?.[0].get('a')).toBeNull()
})
