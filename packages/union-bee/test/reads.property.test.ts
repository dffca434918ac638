import { collect } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { merged, newest, type Resolve, type Source, UnionBee } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { entriesOf, type Range, type Rows, select, united } from './support/model.ts'

/** A change between two looks: of one of the bees, or of their order. */
const aChange = fc.oneof(
  fc.record({
    type: fc.constant('put' as const),
    bee: fc.nat(7),
    key: aKey,
    value: fc.integer({ min: 0, max: 9 })
  }),
  fc.record({ type: fc.constant('del' as const), bee: fc.nat(7), key: aKey }),
  fc.record({ type: fc.constant('rotate' as const), bee: fc.nat(7) })
)

interface Member {
  bee: TextBee
  name: string
  rows: Map<string, unknown>
}

async function members(
  make: (rows: Record<string, unknown>) => Promise<TextBee>,
  data: Record<string, unknown>[]
) {
  return Promise.all(
    data.map(async (rows, i): Promise<Member> => ({
      bee: await make(rows),
      name: `bee ${i}`,
      rows: new Map(Object.entries(rows))
    }))
  )
}

async function change(list: Member[], step: { type: string; bee: number; key?: string; value?: number }) {
  const member = list[step.bee % list.length] as Member
  if (step.type === 'put') {
    await member.bee.put(step.key as string, step.value)
    member.rows.set(step.key as string, step.value)
  } else if (step.type === 'del') {
    await member.bee.del(step.key as string)
    member.rows.delete(step.key as string)
  } else list.push(list.shift() as Member)
}

async function expectReads(union: UnionBee, expected: Rows, keys: string[], ranges: Range[]): Promise<void> {
  for (const key of [...keys, ...expected.keys()]) {
    expect((await union.get(key))?.value).toEqual(expected.get(key))
    expect(await union.has(key)).toBe(expected.has(key))
  }
  for (const range of [{}, ...ranges]) {
    const wanted = select(expected, range)
    expect(entriesOf(await collect(union.createReadStream(range)))).toEqual(wanted)
    const { limit: _, ...unlimited } = range
    const first = await union.peek(unlimited)
    expect(first === null ? [] : entriesOf([first])).toEqual(select(expected, { ...unlimited, limit: 1 }))
  }
}

test('a union of bees that change is one sorted map', async () => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 5 }),
      fc.array(aChange, { maxLength: 6 }),
      fc.array(aKey, { maxLength: 4 }),
      fc.array(aRange, { maxLength: 4 }),
      async (data, changes, keys, ranges) => {
        const list = await members(make, data)
        await using union = new UnionBee(list.map(({ bee, name }) => ({ bee, name })))
        for (const step of [null, ...changes]) {
          if (step !== null) await change(list, step)
          union.reorder(list.map(({ name }) => name))
          await expectReads(union, united(list.map(({ rows }) => rows)), keys, ranges)
        }
      }
    ),
    runs(60)
  )
})

const greatest: Resolve = newest(({ value }) => value as number)
const sum: Resolve = (candidates) =>
  merged(candidates.reduce((total, { entry }) => total + (entry.value as number), 0))

test.each([
  ['the newest', greatest, (values: number[]) => Math.max(...values)],
  ['a merge', sum, (values: number[]) => values.reduce((a, b) => a + b, 0)]
])('%s of equal keys is shown', async (_, resolve, expected) => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 4 }),
      fc.array(aRange, { maxLength: 3 }),
      async (data, ranges) => {
        const list = await members(make, data)
        await using union = new UnionBee(
          list.map(({ bee }) => bee),
          { resolve }
        )
        const shown = new Map<string, unknown>()
        for (const key of united(list.map(({ rows }) => rows)).keys())
          shown.set(
            key,
            expected(list.flatMap(({ rows }) => (rows.has(key) ? [rows.get(key) as number] : [])))
          )
        await expectReads(union, shown, [], ranges)
      }
    ),
    runs(30)
  )
})

test('mounts and unions mix: keys stand under their prefix, and ranges reach across', async () => {
  const make = await beeMaker()
  const aPrefix = fc.constantFrom('', 'a', 'a/', 'b', '\ufffd', '\u{1f600}/')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ data: rows, prefix: aPrefix, cost: fc.nat(1), lazy: fc.boolean() }), {
        minLength: 1,
        maxLength: 4
      }),
      fc.array(aKey, { maxLength: 4 }),
      fc.array(aRange, { maxLength: 5 }),
      async (mounts, keys, ranges) => {
        const shown: Rows[] = []
        const sources: Source[] = []
        for (const { data, prefix, cost, lazy } of mounts) {
          const bee = await make(data)
          // What the union opens it closes; the bees stay for the next run.
          const open = () => bee.snapshot()
          sources.push({ bee: lazy ? open : bee, prefix, cost })
          shown.push(new Map(Object.entries(data).map(([key, value]) => [prefix + key, value])))
        }
        await using union = new UnionBee(sources)
        await expectReads(union, united(shown), keys, ranges)
      }
    ),
    runs(50)
  )
})

test('sources whose range is known are asked only within it, and scans still find all', async () => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 4 }),
      fc.array(aKey, { maxLength: 4 }),
      fc.array(aRange, { maxLength: 4 }),
      async (data, keys, ranges) => {
        const list = await members(make, data)
        const sources = list.map(({ bee, rows }): Source => {
          const [first, last] = [select(rows, { limit: 1 })[0], select(rows, { limit: 1, reverse: true })[0]]
          if (first === undefined || last === undefined) return { bee, cost: 1 }
          return { bee, cost: 1, range: { gte: first[0], lte: last[0] }, filter: rows }
        })
        await using union = new UnionBee(sources)
        await expectReads(union, united(list.map(({ rows }) => rows)), keys, ranges)
      }
    ),
    runs(30)
  )
})
