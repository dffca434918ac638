import { collect, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { type BeeLike, type Entry, UnionBee, UnionBeeError } from '../src/index.ts'
import { beeMaker } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'

const source = (...keys: string[]) => new FakeSource(new Map(keys.map((key) => [key, 1])))

/** Gives the keys in the order in which they are given. */
function listing(...keys: unknown[]): BeeLike {
  return {
    get: () => Promise.resolve(null),
    async *createReadStream() {
      for (const key of keys) yield { seq: 1, key, value: 1 } as Entry
    }
  }
}

function codeOf(run: () => unknown): string | null {
  try {
    run()
  } catch (error) {
    return (error as UnionBeeError).code
  }
  return null
}

test('a union without sources is refused', async () => {
  expect(codeOf(() => new UnionBee([]))).toBe('UNION_BEE_NO_SOURCES')
  const union = new UnionBee([source()])
  await expect(union.remove('source-0')).rejects.toMatchObject({ code: 'UNION_BEE_NO_SOURCES' })
})

test.each([
  ['nothing', null],
  ['no bee', { get: 1 }],
  ['no stream', { get: async () => null }],
  ['a description without one', { bee: {} }],
  ['a negative cost', { bee: source(), cost: -1 }],
  ['a cost that is no number', { bee: source(), cost: Number.NaN }],
  ['an unknown policy', { bee: source(), policy: 'maybe' }],
  ['a name with a slash', { bee: source(), name: 'a/b' }]
])('a source that is %s is refused', (_, bad) => {
  expect(codeOf(() => new UnionBee([bad as never]))).toBe('UNION_BEE_BAD_ARGUMENT')
})

test('two sources cannot have one name', () => {
  const twice = ['x', 'x'].map((name) => ({ bee: source(), name }))
  expect(codeOf(() => new UnionBee(twice))).toBe('UNION_BEE_BAD_ARGUMENT')
})

test.each([
  ['keyEncoding', { keyEncoding: 'json' }],
  ['policy', { policy: 'maybe' }]
])('an unknown %s is refused', (_, options) => {
  expect(codeOf(() => new UnionBee([source()], options as never))).toBe('UNION_BEE_BAD_ARGUMENT')
})

test('a source with another key encoding is refused as soon as it answers', async () => {
  const store = await tmpStore()
  const binary = new Hyperbee(store.get({ name: 'binary' }))
  await binary.put(Buffer.from('k'), Buffer.from('v'))
  const text = await (await beeMaker())({ k: 1 })
  const bad = { code: 'UNION_BEE_BAD_KEY_ENCODING', source: 'source-0' }
  const asText = new UnionBee([binary as unknown as BeeLike])
  await expect(asText.get('k')).rejects.toMatchObject(bad)
  await expect(collect(asText.createReadStream())).rejects.toMatchObject(bad)
  const asBytes = new UnionBee<Uint8Array>([text as unknown as BeeLike<Uint8Array>], {
    keyEncoding: 'binary'
  })
  await expect(asBytes.get(Buffer.from('k'))).rejects.toMatchObject(bad)
  await expect(collect(asBytes.createReadStream())).rejects.toMatchObject(bad)
})

test('keys of the wrong type are refused', async () => {
  const union = new UnionBee([source('a')])
  const bad = { code: 'UNION_BEE_BAD_KEY' }
  await expect(union.get(Buffer.from('a') as never)).rejects.toMatchObject(bad)
  await expect(union.lookup(1 as never)).rejects.toMatchObject(bad)
  expect(codeOf(() => union.createReadStream({ gt: 1 as never }))).toBe('UNION_BEE_BAD_KEY')
  expect(codeOf(() => union.createReadStream({ limit: 'all' as never }))).toBe('UNION_BEE_BAD_ARGUMENT')
  expect(codeOf(() => union.sub(1 as never))).toBe('UNION_BEE_BAD_KEY')
  expect(codeOf(() => union.createDiffStream({} as never))).toBe('UNION_BEE_BAD_ARGUMENT')
})

test('a lone surrogate in a key is what it is stored as', async () => {
  const bee = await (await beeMaker())({ '\ufffd': 1 })
  const union = new UnionBee([bee])
  expect((await union.get('\ud800'))?.key).toBe('\ufffd')
})

test.each([
  ['backwards', ['b', 'a']],
  ['twice', ['a', 'a']],
  ['in the order of UTF-16 instead of bytes', ['\u{1f600}', '\ufffd']]
])('a source that gives its keys %s is found out', async (_, keys) => {
  const union = new UnionBee([source('a', 'z'), listing(...keys)])
  await expect(collect(union.createReadStream())).rejects.toMatchObject({
    code: 'UNION_BEE_OUT_OF_ORDER',
    source: 'source-1'
  })
})

test('a source that ignores `reverse` is found out', async () => {
  const union = new UnionBee([listing('a', 'b')])
  await expect(collect(union.createReadStream({ reverse: true }))).rejects.toMatchObject({
    code: 'UNION_BEE_OUT_OF_ORDER'
  })
})

test('a resolver that throws or returns a stranger fails the read', async () => {
  const failed = { code: 'UNION_BEE_RESOLVER_FAILED' }
  const both = [source('k'), source('k')]
  const throws = new UnionBee(both, {
    resolve: () => {
      throw new Error('mine')
    }
  })
  await expect(throws.get('k')).rejects.toMatchObject({ ...failed, cause: { message: 'mine' } })
  await expect(collect(throws.createReadStream())).rejects.toMatchObject(failed)
  const stranger = new UnionBee(both, { resolve: ([first]) => ({ ...first }) })
  await expect(stranger.get('k')).rejects.toMatchObject(failed)
  const nothing = new UnionBee(both, { resolve: () => undefined as never })
  await expect(collect(nothing.createReadStream())).rejects.toMatchObject(failed)
})

test('nothing can be read after close', async () => {
  const union = new UnionBee([source('a')])
  const [sub, snapshot] = [union.sub('x'), new UnionBee([await (await beeMaker())()]).snapshot()]
  await snapshot.close()
  await union.close()
  const closed = { code: 'UNION_BEE_CLOSED', name: 'UnionBeeError' }
  for (const view of [union, sub, snapshot]) {
    await expect(view.get('a')).rejects.toMatchObject(closed)
    await expect(view.lookup('a')).rejects.toMatchObject(closed)
    await expect(view.peek()).rejects.toMatchObject(closed)
    await expect(collect(view.createReadStream())).rejects.toMatchObject(closed)
    await expect(collect(view.createHistoryStream())).rejects.toMatchObject(closed)
    await expect(view.getAndWatch('a')).rejects.toMatchObject(closed)
    for (const run of [() => view.snapshot(), () => view.sub('a'), () => view.watch()])
      expect(codeOf(run)).toBe('UNION_BEE_CLOSED')
  }
  expect(codeOf(() => union.add(source()))).toBe('UNION_BEE_CLOSED')
  expect(codeOf(() => union.reorder([]))).toBe('UNION_BEE_CLOSED')
  await expect(union.remove('source-0')).rejects.toMatchObject(closed)
})

test('what a source cannot do is refused with its name', async () => {
  const union = new UnionBee([source('a')])
  const unsupported = { code: 'UNION_BEE_UNSUPPORTED', source: 'source-0' }
  await expect(union.snapshot().ready()).rejects.toMatchObject(unsupported)
  await expect(collect(union.createHistoryStream())).rejects.toMatchObject(unsupported)
  await expect(union.watch().next()).rejects.toMatchObject(unsupported)
  await expect(union.getAndWatch('a')).rejects.toMatchObject(unsupported)
})

test('a source that cannot be opened fails the read, and is tried again', async () => {
  let tries = 0
  const union = new UnionBee([
    {
      name: 'shard',
      bee: () => {
        tries++
        if (tries === 1) throw new Error('offline')
        return source('a')
      }
    }
  ])
  await expect(union.get('a')).rejects.toMatchObject({
    code: 'UNION_BEE_SOURCE_FAILED',
    source: 'shard',
    cause: { message: 'offline' }
  })
  expect(await union.has('a')).toBe(true)
})
