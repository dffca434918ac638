import { collect, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type BeeLike, UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker } from './support/bees.ts'
import { FakeSource, HangTimer } from './support/fake-source.ts'

test('a union closes although the opening of a source never answers', async () => {
  const make = await beeMaker()
  const timer = new HangTimer()
  const union = new UnionBee([{ bee: () => timer.hang(), timeoutMs: 10 }, await make()], {
    policy: 'degrade',
    timer
  })
  await union.lookup('a')
  await union.close()
  expect(timer.armed).toBe(0)
})

test('a union closes although lookups never answer: those are refused', async () => {
  const make = await beeMaker()
  const bee = await make()
  let hangs = false
  let looks = 0
  const stuck = altered(bee, {
    get: (key: string) => {
      looks++
      return hangs ? new Promise(() => {}) : bee.get(key)
    }
  })
  const union = new UnionBee([stuck])
  await union.getAndWatch('k')
  hangs = true
  await bee.put('k', 1)
  const got = union.get('a')
  got.catch(() => {})
  await until(() => looks === 3)
  await union.close()
  await expect(got).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
})

test('a removed source is not closed under a lookup', async () => {
  let answer: (() => void) | null = null
  const slow = {
    closed: false,
    get: async (key: string) => {
      await new Promise<void>((resolve) => (answer = resolve))
      if (slow.closed) throw new Error('read after close')
      return { seq: 1, key, value: 1 }
    },
    async *createReadStream() {},
    close: async () => {
      slow.closed = true
    }
  }
  const make = await beeMaker()
  await using union = new UnionBee([{ bee: () => slow, name: 'slow' }, await make()])
  const got = union.get('a')
  got.catch(() => {})
  await until(() => answer !== null)
  const removed = union.remove('slow')
  await new Promise((resolve) => setImmediate(resolve))
  ;(answer as (() => void) | null)?.()
  expect((await got)?.value).toBe(1)
  await removed
})

test('a history stream goes on with a source that is removed', async () => {
  const fixed = {
    closed: false,
    get: async () => null,
    async *createReadStream() {},
    async *createHistoryStream() {
      for (let seq = 1; seq < 4; seq++) {
        if (fixed.closed) throw new Error('read after close')
        yield { type: 'put', seq, key: `${seq}`, value: seq }
      }
    },
    close: async () => {
      fixed.closed = true
    }
  }
  const make = await beeMaker()
  await using union = new UnionBee([{ bee: () => fixed, name: 'x' }, await make()])
  const keys: string[] = []
  for await (const { key } of union.createHistoryStream()) {
    keys.push(key)
    if (keys.length === 1) void union.remove('x')
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(keys).toEqual(['1', '2', '3'])
})

test('an early break of a scan leaves no timer', async () => {
  const timer = new HangTimer()
  const rows = new Map([
    ['a', 1],
    ['b', 1]
  ])
  const union = new UnionBee([new FakeSource(rows, { kind: 'hangs', after: 1 }), new FakeSource(rows)], {
    timeoutMs: 1000,
    timer
  })
  timer.hang = () => new Promise(() => {})
  for await (const _ of union.createReadStream()) break
  expect(timer.armed).toBe(0)
  await union.close()
})

test('a lookup that has failed leaves no timer for the sources it no longer waits for', async () => {
  const timer = new HangTimer()
  const stuck = { get: () => new Promise<never>(() => {}), async *createReadStream() {} }
  const union = new UnionBee([new FakeSource(new Map(), { kind: 'throws', after: 0 }), stuck as BeeLike], {
    timeoutMs: 60_000,
    timer,
    resolve: ([first]) => first
  })
  await expect(union.get('a')).rejects.toMatchObject({ code: 'UNION_BEE_SOURCE_FAILED' })
  expect(timer.armed).toBe(0)
  await union.close()
})

test('scans that break off, snapshots, diffs and watchers leave no session of a bee open', async () => {
  const make = await beeMaker()
  const bees = [await make({ a: 1, b: 1 }), await make({ a: 2, c: 1 })]
  const sessions = () =>
    bees.map(
      (bee) => (bee.core as unknown as { core: { allSessions(): unknown[] } }).core.allSessions().length
    )
  const before = sessions()
  const union = new UnionBee(bees)
  for (let i = 0; i < 3; i++) {
    for await (const _ of union.createReadStream()) break
    const pin = union.snapshot()
    await union.peek()
    for await (const _ of pin.createReadStream({ reverse: true })) break
    await bees[1]?.put('d', i)
    for await (const _ of union.createDiffStream(pin)) break
    await pin.close()
    const watcher = union.watch()
    await watcher.ready()
    await bees[0]?.put('d', `first ${i}`)
    await watcher.next()
    await watcher.close()
    const entry = await union.getAndWatch('a')
    await entry.close()
    for await (const _ of union.createHistoryStream()) break
  }
  await union.close()
  expect(sessions()).toEqual(before)
})

test('what an opening brings after the union was closed is closed, too', async () => {
  const make = await beeMaker()
  const late = new FakeSource(new Map())
  let open: ((bee: BeeLike) => void) | null = null
  const union = new UnionBee([
    { bee: () => new Promise<BeeLike>((resolve) => (open = resolve)) },
    await make()
  ])
  const got = union.get('a')
  got.catch(() => {})
  await until(() => open !== null)
  await union.close()
  await expect(got).rejects.toMatchObject({ code: 'UNION_BEE_CLOSED' })
  ;(open as ((bee: BeeLike) => void) | null)?.(late)
  await until(() => late.closed)
})

test('history and diff streams end with the union although a source never answers', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  const stuck = altered(bee, {
    createHistoryStream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
    snapshot: () => altered(bee.snapshot(), { get: () => new Promise(() => {}) })
  })
  const union = new UnionBee([stuck])
  const before = union.snapshot()
  await bee.put('a', 2)
  const reads = Promise.allSettled([
    collect(union.createHistoryStream()),
    collect(union.createDiffStream(before))
  ])
  await union.close()
  for (const result of await reads)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'UNION_BEE_CLOSED' } })
})
