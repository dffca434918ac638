import { collect } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byPrecedence, newest, type Policy, UnionBee, UnionBeeError } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { FakeSource, FakeWalk, HangTimer } from './support/fake-source.ts'
import { entriesOf, select, united } from './support/model.ts'

const aFault = fc.option(
  fc.record({ kind: fc.constantFrom('throws' as const, 'hangs' as const), after: fc.nat(4) }),
  { freq: 2 }
)

function unionOf(
  data: { rows: Record<string, unknown>; fault: FakeSource['fault']; walks: boolean }[],
  policy: Policy
) {
  const timer = new HangTimer()
  const sources = data.map(
    ({ rows, fault, walks }) =>
      new (walks ? FakeWalk : FakeSource)(new Map(Object.entries(rows)), fault, timer)
  )
  const union = new UnionBee(
    sources.map((bee, i) => ({ bee, name: `${i}` })),
    { policy, timer, timeoutMs: 1000 }
  )
  return { sources, union, timer }
}

const aUnion = fc.array(fc.record({ rows, fault: aFault, walks: fc.boolean() }), {
  minLength: 1,
  maxLength: 4
})

test('a lookup goes on without the sources that fail or hang, and names those that matter', async () => {
  await fc.assert(
    fc.asyncProperty(aUnion, fc.array(aKey, { maxLength: 6 }), async (data, keys) => {
      const { sources, union, timer } = unionOf(data, 'degrade')
      for (const key of [...keys, ...Object.keys(data[0]?.rows ?? {})]) {
        const hit = sources.findIndex(({ rows, fault }) => fault === null && rows.has(key))
        const before = hit === -1 ? sources : sources.slice(0, hit)
        const skipped = before.flatMap(({ fault }, i) => (fault === null ? [] : [`${i}`]))
        const answer = await union.lookup(key)
        expect(answer.entry?.value).toEqual(sources[hit]?.rows.get(key))
        expect(answer.source).toBe(hit === -1 ? null : `${hit}`)
        expect(answer.skipped.map(({ source }) => source)).toEqual(skipped)
        if (hit === -1 && skipped.length > 0)
          await expect(union.get(key)).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
        else expect((await union.get(key))?.skipped?.length ?? 0).toBe(skipped.length)
      }
      expect(timer.armed).toBe(0)
      await union.close()
    }),
    runs(150)
  )
})

test('with the policy `fail` a lookup that needs a broken source fails, with its code and cause', async () => {
  await fc.assert(
    fc.asyncProperty(aUnion, aKey, async (data, key) => {
      const { sources, union } = unionOf(data, 'fail')
      const decisive = sources.find(({ rows, fault }) => fault !== null || rows.has(key))
      const answer = union.get(key)
      if (decisive?.fault === null || decisive === undefined)
        expect((await answer)?.value).toEqual(decisive?.rows.get(key))
      else await expect(answer).rejects.toMatchObject(failureOf(decisive))
      await union.close()
    }),
    runs(150)
  )
})

test('a scan goes on without the sources that fail or hang midway, and names them', async () => {
  await fc.assert(
    fc.asyncProperty(aUnion, fc.array(aRange, { maxLength: 3 }), async (data, ranges) => {
      const { sources, union, timer } = unionOf(data, 'degrade')
      for (const { limit: _, ...range } of [{}, ...ranges]) {
        const parts = sources.map(
          ({ rows, fault }) => new Map(select(rows, { ...range, limit: fault?.after ?? -1 }))
        )
        const stream = union.createReadStream(range)
        expect(entriesOf(await collect(stream))).toEqual(select(united(parts), range))
        const broken = sources.flatMap(({ fault }, i) => (fault === null ? [] : [`${i}`]))
        expect(stream.skipped.map(({ source }) => source).sort()).toEqual(isEmpty(range) ? [] : broken)
      }
      expect(timer.armed).toBe(0)
      await union.close()
    }),
    runs(150)
  )
})

test('with the policy `fail` a scan gives what comes before the failure, and then fails', async () => {
  await fc.assert(
    fc.asyncProperty(aUnion, async (data) => {
      const { sources, union } = unionOf(data, 'fail')
      const whole = select(united(sources.map(({ rows }) => rows)), {})
      const seen: unknown[] = []
      const reading = async (): Promise<void> => {
        for await (const { key, value } of union.createReadStream()) seen.push([key, value])
      }
      if (sources.every(({ fault }) => fault === null)) await reading()
      else await expect(reading()).rejects.toBeInstanceOf(UnionBeeError)
      expect(seen).toEqual(whole.slice(0, seen.length))
      await union.close()
    }),
    runs(100)
  )
})

test('a resolver that must see all sources is not given half of them in silence', async () => {
  const timer = new HangTimer()
  const healthy = new FakeSource(new Map([['k', 1]]))
  const broken = new FakeSource(new Map([['k', 2]]), { kind: 'hangs', after: 0 }, timer)
  const options = { resolve: newest(({ value }) => value as number), timer, timeoutMs: 1 }
  const degraded = new UnionBee([healthy, { bee: broken, policy: 'degrade' }], options)
  expect((await degraded.get('k'))?.skipped?.map(({ source }) => source)).toEqual(['source-1'])
  await expect(new UnionBee([healthy, broken], options).get('k')).rejects.toMatchObject({
    code: 'UNION_BEE_SOURCE_TIMEOUT',
    source: 'source-1'
  })
  const first = new UnionBee([healthy, broken], { ...options, resolve: byPrecedence })
  expect((await first.get('k'))?.value).toBe(1)
})

test('a union among the sources says what it was left without itself', async () => {
  const inner = new UnionBee(
    [
      { bee: new FakeSource(new Map(), { kind: 'throws', after: 0 }), name: 'disk' },
      new FakeSource(new Map([['k', 1]]))
    ],
    { policy: 'degrade' }
  )
  const outer = new UnionBee([{ bee: inner, name: 'inner' }])
  expect((await outer.lookup('k')).skipped.map(({ source }) => source)).toEqual(['inner/disk'])
  const stream = outer.createReadStream()
  expect((await collect(stream)).length).toBe(1)
  expect(stream.skipped.map(({ source }) => source)).toEqual(['inner/disk'])
  await expect(outer.get('none')).rejects.toMatchObject({ code: 'UNION_BEE_PARTIAL' })
})

function failureOf({ fault }: FakeSource) {
  if (fault?.kind === 'hangs') return { code: 'UNION_BEE_SOURCE_TIMEOUT' }
  return { code: 'UNION_BEE_SOURCE_FAILED', cause: { message: 'disk' } }
}

/** A range whose ends cross is never asked. Written as a look at all one-letter keys would be too weak: compares the ends. */
function isEmpty({ gt, gte, lt, lte }: { gt?: string; gte?: string; lt?: string; lte?: string }): boolean {
  const [low, high] = [gt ?? gte, lt ?? lte]
  if (low === undefined || high === undefined) return false
  const order = Buffer.compare(Buffer.from(low), Buffer.from(high))
  return order > 0 || (order === 0 && (gt !== undefined || lt !== undefined))
}
