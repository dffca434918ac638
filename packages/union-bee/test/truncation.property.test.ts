import { collect } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UnionBee } from '../src/index.ts'
import { aKey, rows, runs } from './support/arbitraries.ts'
import { beeMaker, type TextBee } from './support/bees.ts'
import { sorted } from './support/model.ts'

const aStep = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: aKey, value: fc.nat(3) }),
  fc.record({ kind: fc.constant('del' as const), key: aKey }),
  fc.record({ kind: fc.constant('truncate' as const), blocks: fc.nat(8) })
)

/** Position and value of each key, as Hyperbee itself reads them. */
async function shown(bee: TextBee): Promise<Map<string, string>> {
  const entries = await collect(bee.createReadStream())
  return new Map(entries.map(({ key, seq, value }) => [key, `${seq} ${String(value)}`]))
}

test('a diff has exactly what is shown otherwise, whatever was written and truncated in between', async () => {
  const make = await beeMaker()
  await fc.assert(
    fc.asyncProperty(rows, fc.array(aStep, { maxLength: 12 }), async (data, steps) => {
      const bee = await make()
      // One by one: a bee cannot be truncated into the middle of a batch.
      for (const [key, value] of Object.entries({ a: 0, ...data })) await bee.put(key, value)
      await using union = new UnionBee([bee, await make({ '/': 'below' })])
      await using before = union.snapshot()
      await before.ready()
      const then = await shown(bee)
      for (const step of steps) {
        if (step.kind === 'put') await bee.put(step.key, step.value)
        else if (step.kind === 'del') await bee.del(step.key)
        else await bee.core.truncate(Math.max(1, bee.core.length - step.blocks))
      }
      const now = await shown(bee)
      const changed = new Map([...then, ...now].filter(([key]) => then.get(key) !== now.get(key)))
      const found = await collect(union.createDiffStream(before))
      expect(found.map(({ left, right }) => (left ?? right)?.key)).toEqual(
        sorted(changed).map(([key]) => key)
      )
    }),
    runs(40)
  )
})
