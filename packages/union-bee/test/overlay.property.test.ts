import { collect } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOverlay } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'
import { entriesOf, select, sorted, united } from './support/model.ts'

const aWrite = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), key: aKey, value: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('del' as const), key: aKey, value: fc.constant(0) })
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('compact' as const), key: aKey, value: fc.constant(0) })
  }
)

test('a small top over read-only layers is one editable map, also while it is folded into a new bottom', async () => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 3 }),
      fc.array(aWrite, { maxLength: 12 }),
      fc.array(aRange, { maxLength: 3 }),
      async (layers, writes, ranges) => {
        const lower = await Promise.all(layers.map((rows) => make(rows)))
        const top = await make()
        let bottom = united(layers.map((rows) => new Map(Object.entries(rows))))
        let changed = new Set<string>()
        const shown = new Map(bottom)
        await using overlay = createOverlay({ top, lower })
        for (const { type, key, value } of writes) {
          if (type === 'put') {
            await overlay.put(key, value)
            shown.set(key, value)
            changed.add(key)
          } else if (type === 'del') {
            await overlay.del(key)
            shown.delete(key)
            changed.add(key)
          } else {
            await overlay.compact(await make())
            bottom = new Map(shown)
            changed = new Set()
            expect(await collect(top.createReadStream())).toEqual([])
          }
          expect((await overlay.get(key))?.value).toEqual(shown.get(key))
          for (const range of [{}, ...ranges])
            expect(entriesOf(await collect(overlay.createReadStream(range)))).toEqual(select(shown, range))
          const diff = await collect(overlay.diff())
          expect(diff.map(({ left, right }) => [left?.value, right?.value])).toEqual(
            sorted(new Map([...changed].map((key) => [key, 0]))).map(([key]) => [
              shown.get(key),
              bottom.get(key)
            ])
          )
        }
        // What is below was never written.
        for (const [i, bee] of lower.entries())
          expect(entriesOf(await collect(bee.createReadStream()))).toEqual(
            sorted(new Map(Object.entries(layers[i] ?? {})))
          )
      }
    ),
    runs(60)
  )
})
