import { collect } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type BeeLike, UnionBee } from '../src/index.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { FakeSource } from './support/fake-source.ts'

interface WatchedStream extends AsyncIterable<never> {
  destroyed: boolean
}

/** The bee as it is, with an eye on the walks that are made of it. */
function watchedWalks(bee: TextBee): { bee: BeeLike; streams: WatchedStream[] } {
  const streams: WatchedStream[] = []
  const raw = bee as unknown as { createRangeIterator(...args: unknown[]): { close(): Promise<void> } }
  const createRangeIterator = (...args: unknown[]) => {
    const walk = raw.createRangeIterator(...args)
    const watched = { destroyed: false } as WatchedStream
    const close = walk.close.bind(walk)
    walk.close = async () => {
      await close()
      watched.destroyed = true
    }
    streams.push(watched)
    return walk
  }
  return { bee: Object.assign(Object.create(bee) as TextBee, { createRangeIterator }), streams }
}

/** The bee as one that has only streams, and the streams it has given. */
function watchedStreams(bee: TextBee): { bee: BeeLike; streams: WatchedStream[] } {
  const streams: WatchedStream[] = []
  const createReadStream = (...args: Parameters<TextBee['createReadStream']>) => {
    const stream = bee.createReadStream(...args)
    streams.push(stream as unknown as WatchedStream)
    return stream
  }
  return { bee: { get: (key) => bee.get(key), createReadStream }, streams }
}

async function watchedUnion(
  watched: typeof watchedStreams
): Promise<{ union: UnionBee; areReleased: () => boolean }> {
  const make = await beeMaker()
  const rows = (letter: string) =>
    Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${letter}${i}`, i]))
  const sources = [
    watched(await make(rows('a'))),
    watched(await make(rows('a'))),
    watched(await make(rows('b')))
  ]
  const union = new UnionBee(sources.map(({ bee }) => bee))
  const areReleased = () =>
    sources.every(({ streams }) => streams.length > 0 && streams.every(({ destroyed }) => destroyed))
  return { union, areReleased }
}

const kinds = [
  ['a bee of streams', watchedStreams],
  ['a Hyperbee', watchedWalks]
] as const

test.each(kinds)('an early break releases every source stream (%s)', async (_, watched) => {
  const { union, areReleased } = await watchedUnion(watched)
  for await (const { key } of union.createReadStream()) if (key !== '') break
  expect(areReleased()).toBe(true)
})

test.each(kinds)('a peek and the end of a stream release every source stream (%s)', async (_, watched) => {
  const { union, areReleased } = await watchedUnion(watched)
  await union.peek()
  expect(areReleased()).toBe(true)
  await collect(union.createReadStream())
  expect(areReleased()).toBe(true)
})

test.each(kinds)(
  'a stream that nobody reads is released by `destroy`, and by the union’s close (%s)',
  async (_, watched) => {
    const { union, areReleased } = await watchedUnion(watched)
    const stream = union.createReadStream()
    const closed = new Promise<void>((resolve) => stream.on('close', resolve))
    stream.destroy()
    await closed
    expect(areReleased()).toBe(true)
    union.createReadStream()
    expect(areReleased()).toBe(false)
    await union.close()
    expect(areReleased()).toBe(true)
  }
)

test.each(kinds)(
  'a close in the middle of a read ends it with a code, and releases every source stream (%s)',
  async (_, watched) => {
    const { union, areReleased } = await watchedUnion(watched)
    const reading = async (): Promise<void> => {
      for await (const { key } of union.createReadStream()) if (key === 'a1') await union.close()
    }
    await expect(reading()).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
    expect(areReleased()).toBe(true)
  }
)

test('a close ends a read of a source that never answers', async () => {
  const union = new UnionBee([new FakeSource(new Map([['a', 1]]), { kind: 'hangs', after: 0 })])
  const [reading] = await Promise.all([
    Promise.allSettled([collect(union.createReadStream())]),
    union.close()
  ])
  expect(reading[0]).toMatchObject({ status: 'rejected', reason: { code: 'UNION_BEE_CLOSED' } })
})

test('a failing source takes the streams of the others along', async () => {
  const make = await beeMaker()
  const healthy = watchedStreams(await make({ a: 1, b: 1 }))
  const broken = new FakeSource(new Map([['a', 1]]), { kind: 'throws', after: 1 })
  const union = new UnionBee([healthy.bee, broken])
  await expect(collect(union.createReadStream())).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
  expect(healthy.streams.every(({ destroyed }) => destroyed)).toBe(true)
})

test('a failure that comes while nobody reads is told by the next read, and by nothing else', async () => {
  const fine = new FakeSource(
    new Map([
      ['a', 1],
      ['c', 1]
    ])
  )
  const broken = new FakeSource(new Map([['b', 1]]), { kind: 'throws', after: 1 })
  const items = new UnionBee([fine, broken]).createReadStream()[Symbol.asyncIterator]()
  expect((await items.next()).value?.key).toBe('a')
  expect((await items.next()).value?.key).toBe('b')
  // Long enough for a rejection that nobody handles to end the process.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  await expect(items.next()).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
})

test('a stream is one of the field: it flows, pauses, and ends', async () => {
  const make = await beeMaker()
  const rows = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`k${String(i).padStart(3, '0')}`, i])
  )
  const union = new UnionBee([await make(rows), await make({ k: 1 })])
  const stream = union.createReadStream()
  const keys: string[] = []
  stream.on('data', ({ key }) => keys.push(key))
  await new Promise<void>((resolve) => stream.on('close', resolve))
  expect(keys).toEqual(['k', ...Object.keys(rows).sort()])
})

test('a flowing stream that fails says so by `error`', async () => {
  const union = new UnionBee([new FakeSource(new Map(), { kind: 'throws', after: 0 })])
  const stream = union.createReadStream()
  const error = await new Promise<Error>((resolve) => {
    stream.on('error', resolve)
    stream.on('data', () => {})
  })
  expect(error).toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
})

test('a stream shows what was there when it was made', async () => {
  const make = await beeMaker()
  const [a, b] = [await make({ a: 1 }), await make({ b: 1 })]
  const union = new UnionBee([a, b])
  const stream = union.createReadStream()
  await a.put('c', 1)
  await b.del('b')
  expect((await collect(stream)).map(({ key }) => key)).toEqual(['a', 'b'])
})

test('next() called several times at once gives the entries in order', async () => {
  const make = await beeMaker()
  const union = new UnionBee([await make({ a: 1, c: 1 }), await make({ b: 1 })])
  const items = union.createReadStream()[Symbol.asyncIterator]()
  const results = await Promise.all([items.next(), items.next(), items.next(), items.next()])
  expect(results.map(({ value }) => value?.key)).toEqual(['a', 'b', 'c', undefined])
})

test('what a scan holds does not grow with its length', async () => {
  const ahead: number[] = []
  for (const length of [1_000, 50_000]) {
    let [given, taken, most] = [0, 0, 0]
    const counting = (part: number): BeeLike => ({
      get: () => Promise.resolve(null),
      async *createReadStream() {
        for (let i = 0; i < length; i++) {
          given++
          yield { seq: 1, key: `${String(i).padStart(6, '0')}${part}`, value: i }
        }
      }
    })
    for await (const _ of new UnionBee([counting(0), counting(1), counting(2)]).createReadStream()) {
      taken++
      most = Math.max(most, given - taken)
    }
    expect(taken).toBe(3 * length)
    ahead.push(most)
  }
  expect(ahead[1]).toBe(ahead[0])
  expect(ahead[0]).toBeLessThan(100)
})

test('reads that are ahead of one another come in order', async () => {
  const make = await beeMaker()
  const rows = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [String(i).padStart(3, '0'), i]))
  await using union = new UnionBee([await make(rows)])
  const items = union.createReadStream()[Symbol.asyncIterator]()
  const seen: string[] = []
  const ahead = [items.next(), items.next()]
  for (let item = await ahead.shift(); item?.done === false; item = await ahead.shift()) {
    seen.push(item.value.key)
    ahead.push(items.next())
  }
  expect(seen).toEqual(Object.keys(rows).toSorted())
})
