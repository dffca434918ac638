import { expect, test } from 'vitest'
import { UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, type TextBee } from './support/bees.ts'

test('every lookup has options of its own, for Hyperbee writes into them', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  const seen = new Set<unknown>()
  const noting = altered(bee, {
    get: (...[key, options]: Parameters<TextBee['get']>) => {
      seen.add(options)
      return bee.get(key, options)
    }
  })
  await using union = new UnionBee([{ bee: noting, layer: 'json' }])
  for (const key of ['a', 'b']) await union.get(key)
  expect(seen.size).toBe(2)
})
