import { collect } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type Source, UnionBee } from '../src/index.ts'
import { bloomOf } from './support/bloom.mjs'
import { beeMaker } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'

const source = (...keys: string[]) => new FakeSource(new Map(keys.map((key) => [key, 1])))
const keysOf = async (union: UnionBee) => (await collect(union.createReadStream())).map(({ key }) => key)

/** A shard for each letter, which a request must be paid for. */
function shards(letters: string): { bees: FakeSource[]; sources: Source[] } {
  const bees = letters.split('').map((letter) => source(`${letter}1`, `${letter}2`))
  const sources = bees.map((bee, i): Source => {
    const letter = letters[i] ?? ''
    return { bee: () => bee, name: letter, cost: 1, range: { gte: letter, lt: `${letter}~` } }
  })
  return { bees, sources }
}

test('a missing key out of the range of eight remote shards costs no request, and one in range one', async () => {
  const { bees, sources } = shards('bcdefghi')
  await using union = new UnionBee([source('x'), ...sources])
  expect(await union.get('nothing here')).toBeNull()
  expect(bees.map(({ gets }) => gets)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  expect(union.sources.slice(1).every(({ opened }) => !opened)).toBe(true)
  expect(await union.get('c9')).toBeNull()
  expect(bees.map(({ gets }) => gets)).toEqual([0, 1, 0, 0, 0, 0, 0, 0])
})

test('a filter spares a shard the lookups of keys it does not have', async () => {
  const bee = source('a', 'b')
  const filter = bloomOf(['a', 'b'])
  await using union = new UnionBee([{ bee, name: 'shard', cost: 1, filter }])
  const missing = Array.from({ length: 200 }, (_, i) => `missing ${i}`)
  for (const key of missing) expect(await union.get(key)).toBeNull()
  expect(bee.gets).toBeLessThan(5)
  expect(await union.has('a')).toBe(true)
  expect(union.sources[0]?.avoided).toBe(201 - bee.gets)
})

test('a scan opens a remote shard when it reaches it, and not before', async () => {
  const { bees, sources } = shards('bcd')
  await using union = new UnionBee([source('a'), ...sources])
  const seen: [string, number[]][] = []
  for await (const { key } of union.createReadStream()) {
    seen.push([key, bees.map(({ scans }) => scans)])
    if (key === 'c1') break
  }
  expect(seen).toEqual([
    ['a', [0, 0, 0]],
    ['b1', [1, 0, 0]],
    ['b2', [1, 0, 0]],
    ['c1', [1, 1, 0]]
  ])
})

test('a scan backwards opens the last shard first', async () => {
  const { bees, sources } = shards('bcd')
  await using union = new UnionBee(sources)
  expect((await union.peek({ reverse: true }))?.key).toBe('d2')
  expect(bees.map(({ scans }) => scans)).toEqual([0, 0, 1])
})

test('a costly source is asked only when those before it have nothing', async () => {
  const [local, remote] = [source('a'), source('a', 'b')]
  await using union = new UnionBee([local, { bee: remote, cost: 10 }])
  await union.get('a')
  expect(remote.gets).toBe(0)
  expect((await union.lookup('b')).source).toBe('source-1')
  expect(remote.gets).toBe(1)
})

test('of disjoint sources the cheapest is asked first, wherever it stands', async () => {
  const [remote, local] = [source('b'), source('a')]
  await using union = new UnionBee([{ bee: remote, cost: 10 }, local], { disjoint: true })
  await union.get('a')
  expect([remote.gets, local.gets]).toEqual([0, 1])
})

test('a union says what each source was asked and what it answered', async () => {
  const { sources } = shards('b')
  await using union = new UnionBee([{ bee: source('a', 'b1'), name: 'local' }, ...sources])
  await keysOf(union)
  await union.get('none')
  expect(union.sources).toEqual([
    { name: 'local', cost: 0, opened: true, asked: 2, answered: 2, avoided: 0, failed: 0 },
    { name: 'b', cost: 1, opened: true, asked: 1, answered: 2, avoided: 1, failed: 0 }
  ])
})

test('sources come, go and change places; a stream goes on with those it began with', async () => {
  const make = await beeMaker()
  const [a, b, c] = [await make({ k: 'a', a: 1 }), await make({ k: 'b', b: 1 }), await make({ k: 'c', c: 1 })]
  await using union = new UnionBee([a, b])
  const before = union.createReadStream()
  expect(union.add({ bee: c, name: 'third' }, { at: 0 })).toBe('third')
  expect((await union.get('k'))?.value).toBe('c')
  const between = union.createReadStream()
  const removed = union.remove('source-0')
  union.reorder(['source-1', 'third'])
  expect((await union.get('k'))?.value).toBe('b')
  expect(await keysOf(union)).toEqual(['b', 'c', 'k'])
  const rows = async (stream: typeof before) =>
    (await collect(stream)).map(({ key, value }) => `${key}=${String(value)}`)
  expect(await rows(before)).toEqual(['a=1', 'b=1', 'k=a'])
  expect(await rows(between)).toEqual(['a=1', 'b=1', 'c=1', 'k=c'])
  await removed
})

test('what is wrong with a change of sources is refused, and changes nothing', async () => {
  await using union = new UnionBee([source('a'), source('b')])
  const code = (run: () => unknown) => expect(run).toThrow(/^UNION_BEE_(BAD_ARGUMENT|UNKNOWN_SOURCE)/)
  code(() => union.add({ bee: source(), name: 'source-0' }))
  code(() => union.reorder(['source-0']))
  code(() => union.reorder(['source-0', 'source-0']))
  code(() => union.reorder(['source-0', 'other']))
  await expect(union.remove('other')).rejects.toMatchObject({ code: 'UNION_BEE_UNKNOWN_SOURCE' })
  expect(await keysOf(union)).toEqual(['a', 'b'])
})

test('what the union has opened it closes: after its last stream when removed, or with the union', async () => {
  const [gone, kept, borrowed] = [source('a', 'b'), source('c'), source('d')]
  const union = new UnionBee([
    { bee: () => gone, name: 'gone' },
    { bee: () => Promise.resolve(kept), name: 'kept' },
    borrowed
  ])
  const stream = union.createReadStream()[Symbol.asyncIterator]()
  expect((await stream.next()).value?.key).toBe('a')
  const removed = union.remove('gone')
  expect((await stream.next()).value?.key).toBe('b')
  expect(gone.closed).toBe(false)
  await stream.return?.()
  await removed
  expect([gone.closed, kept.closed]).toEqual([true, false])
  await union.close()
  expect([kept.closed, borrowed.closed]).toEqual([true, false])
})

test('a source that is never needed is never opened', async () => {
  let opened = 0
  const union = new UnionBee([
    source('a'),
    {
      bee: () => {
        opened++
        return source('z')
      },
      range: { gte: 'z' }
    }
  ])
  await union.ready()
  await union.get('a')
  await union.peek()
  await union.close()
  expect(opened).toBe(0)
})
