import { collect } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import Hyperbee from 'hyperbee'
import { tmpStore } from '@cloudpal/test-kit'
import { UnionBee } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'

const someRanges = fc.array(aRange, { maxLength: 5 })

test('a union of one bee reads as the bee', async () => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.array(aKey), someRanges, async (before, after, keys, ranges) => {
      const bee = await make(before)
      await using union = new UnionBee([bee])
      const [pin, unionPin] = [bee.snapshot(), union.snapshot()]
      for (const [key, value] of Object.entries(after)) {
        if (value === 0) await bee.del(key)
        else await bee.put(key, value)
      }
      for (const [ours, theirs] of [
        [union, bee],
        [unionPin, pin]
      ] as const) {
        for (const key of keys) expect(await ours.get(key)).toEqual(await theirs.get(key))
        for (const range of [{}, ...ranges]) {
          const wanted = await collect(theirs.createReadStream(range))
          expect(await collect(ours.createReadStream(range))).toEqual(wanted)
          const { reverse = false, limit: _, ...ends } = range
          expect(await ours.peek(ends, { reverse })).toEqual(await theirs.peek(ends, { reverse }))
        }
        const history = await collect(theirs.createHistoryStream())
        expect(await collect(ours.createHistoryStream())).toEqual(
          history.map((step) => ({ ...step, source: 'source-0' }))
        )
      }
      for (const { reverse: _, limit = -1, ...range } of [{}, ...ranges]) {
        // Of two bounds at one end Hyperbee's diff takes the other one than its reads do; ours takes that of reads.
        if (range.gt !== undefined) delete range.gte
        if (range.lt !== undefined) delete range.lte
        const diff = await collect(bee.createDiffStream(pin, range))
        const wanted = limit === -1 ? diff : diff.slice(0, limit)
        expect(await collect(union.createDiffStream(unionPin, { ...range, limit }))).toEqual(wanted)
      }
      await pin.close()
      await unionPin.close()
    }),
    runs(60)
  )
})

test('a sub of a union of one reads as the sub of the bee, and so does its snapshot', async () => {
  const make = await beeMaker()
  const aPart = fc.constantFrom('a', 'b', 'a\0b')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(aPart, aKey, fc.nat(9)), { maxLength: 12 }),
      fc.array(aKey, { maxLength: 3 }),
      someRanges,
      async (data, keys, ranges) => {
        const bee = await make(
          Object.fromEntries(data.map(([part, key, value]) => [`${part}\0${key}`, value]))
        )
        await using union = new UnionBee([bee])
        for (const [ours, theirs] of [
          [union.sub('a'), bee.sub('a')],
          [union.sub('a').sub('b'), bee.sub('a').sub('b')],
          [new UnionBee([bee.sub('a')]), bee.sub('a')],
          [new UnionBee([bee.sub('a')]).snapshot(), bee.sub('a')]
        ] as const) {
          for (const key of keys) expect(await ours.get(key)).toEqual(await theirs.get(key))
          for (const range of [{}, ...ranges]) {
            const wanted = await collect(theirs.createReadStream(range))
            expect(await collect(ours.createReadStream(range))).toEqual(wanted)
          }
          await ours.close()
        }
      }
    ),
    runs(40)
  )
})

test('a union of one bee of binary keys reads as the bee', async () => {
  const store = await tmpStore()
  const bytes = fc
    .array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: 1, maxLength: 3 })
    .map(Buffer.from)
  let count = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(bytes, bytes), { maxLength: 12 }),
      fc.array(
        fc.record(
          { gt: bytes, gte: bytes, lt: bytes, lte: bytes, reverse: fc.boolean() },
          { requiredKeys: [] }
        )
      ),
      async (data, ranges) => {
        const bee = new Hyperbee(store.get({ name: `${count++}` }))
        for (const [key, value] of data) await bee.put(key, value)
        await using union = new UnionBee<Uint8Array, Uint8Array>([bee], { keyEncoding: 'binary' })
        for (const [key] of data) expect(await union.get(key)).toEqual(await bee.get(key))
        for (const range of [{}, ...ranges])
          expect(await collect(union.createReadStream(range))).toEqual(
            await collect(bee.createReadStream(range))
          )
        const part = new UnionBee<Uint8Array, Uint8Array>([{ bee, prefix: Buffer.from([0xff]) }], {
          keyEncoding: 'binary'
        })
        const mounted = await collect(part.createReadStream({ gte: Buffer.from([0xff]) }))
        expect(mounted.map(({ key }) => Buffer.from(key).subarray(1))).toEqual(
          (await collect(bee.createReadStream())).map(({ key }) => key)
        )
      }
    ),
    runs(30)
  )
})
