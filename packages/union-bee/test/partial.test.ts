import { collect } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type BeeLike, UnionBee, type UnionStream } from '../src/index.ts'
import { beeMaker } from './support/bees.ts'
import { HangTimer } from './support/fake-source.ts'

test('what a lent union was left without is said, also in a snapshot that opens it', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  const lost = (): never => {
    throw new Error('offline')
  }
  const inner = () => new UnionBee([bee, { bee: lost, name: 'lost' }], { policy: 'degrade' })
  await using union = new UnionBee([{ bee: inner, name: 'inner', immutable: true }])
  await using pin = union.snapshot()
  const stream = pin.createReadStream()
  expect((await collect(stream)).length).toBe(1)
  expect(stream.skipped.map(({ source }) => source)).toEqual(['inner/lost'])
})

test('a filter that throws is told as an error of its source', async () => {
  const make = await beeMaker()
  const filter = {
    has: () => {
      throw new Error('corrupt')
    }
  }
  await using union = new UnionBee([{ bee: await make(), name: 'x', filter }])
  await expect(union.get('a')).rejects.toMatchObject({ name: 'UnionBeeError', source: 'x' })
})

test('a history that is silent is left out after its time, as a scan is', async () => {
  const make = await beeMaker()
  const timer = new HangTimer()
  const stuck = {
    get: async () => null,
    async *createReadStream() {},
    createHistoryStream: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => timer.hang(),
        return: async () => ({ done: true, value: undefined })
      })
    })
  }
  const union = new UnionBee([stuck as unknown as BeeLike, await make({ a: 1 })], {
    policy: 'degrade',
    timeoutMs: 20,
    timer
  })
  const stream = union.createHistoryStream()
  expect(await collect(stream)).toMatchObject([{ key: 'a' }])
  expect(stream.skipped).toHaveLength(1)
})

test('what a union among the sources was left without is said by every kind of read', async () => {
  const make = await beeMaker()
  const lost = (): never => {
    throw new Error('offline')
  }
  const bee = await make({ a: 1 })
  await using inner = new UnionBee([bee, { bee: lost, name: 'lost' }], { policy: 'degrade' })
  await using union = new UnionBee([{ bee: inner, name: 'inner' }])
  await using before = union.snapshot()
  await before.ready()
  await bee.put('a', 2)
  const skipped = ['inner/lost']
  expect((await union.lookup('z')).skipped.map(({ source }) => source)).toEqual(skipped)
  await expect(union.get('z')).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
  expect((await union.peek())?.skipped?.map(({ source }) => source)).toEqual(skipped)
  const streams: UnionStream<unknown>[] = [
    union.createReadStream(),
    union.sub('s').createReadStream(),
    union.createHistoryStream(),
    union.createDiffStream(before)
  ]
  for (const stream of streams) {
    await collect(stream)
    expect(stream.skipped.map(({ source }) => source)).toEqual(skipped)
  }
})
