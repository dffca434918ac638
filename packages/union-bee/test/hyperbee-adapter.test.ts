import { expect, test } from 'vitest'
import { UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker, type TextBee } from './support/bees.ts'

/** What a lookup of ours and Hyperbee's own open. */
function counted(bee: TextBee, onLookup: () => Promise<void> = () => Promise.resolve()) {
  const counts = { sessions: 0, lookups: 0 }
  const core = altered(bee.core, {
    snapshot: () => {
      counts.sessions++
      return bee.core.snapshot()
    }
  })
  const watched = altered(bee, {
    core,
    batch: (options: Parameters<TextBee['batch']>[0]) => {
      const batch = bee.batch(options)
      const get = batch.get.bind(batch)
      return Object.assign(batch, {
        get: async (key: string) => {
          counts.lookups++
          const entry = await get(key)
          await onLookup()
          return entry
        }
      })
    }
  })
  return { counts, watched }
}

test('a lookup opens no session of the core', async () => {
  const make = await beeMaker()
  const { counts, watched } = counted(await make({ a: 1 }))
  await using union = new UnionBee([watched])
  expect((await union.get('a'))?.value).toBe(1)
  expect(await union.get('b')).toBeNull()
  expect(counts).toEqual({ sessions: 0, lookups: 2 })
  await watched.get('a')
  expect(counts.sessions).toBe(1)
})

test('a bee that is truncated during a lookup is looked up again', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  const { length } = bee.core
  await bee.put('a', 2)
  await bee.put('b', 2)
  for (const fails of [false, true]) {
    const { counts, watched } = counted(bee, async () => {
      if (bee.core.length > length) await bee.core.truncate(length)
      if (fails) throw new Error('of blocks that are gone')
    })
    await using union = new UnionBee([watched])
    if (fails) await bee.put('b', 3)
    expect((await union.get('a'))?.value).toBe(1)
    expect(await union.get('b').catch((error: unknown) => error)).toEqual(
      fails ? expect.objectContaining({ code: 'UNION_BEE_SOURCE_FAILED' }) : null
    )
    expect(counts.lookups).toBe(2)
  }
})

test('a bee with a get of its own is asked by it', async () => {
  const make = await beeMaker()
  const own = altered(await make({ a: 1 }), {
    get: (key: string) => Promise.resolve({ seq: 1, key, value: 'own' })
  })
  await using union = new UnionBee([own])
  expect((await union.get('a'))?.value).toBe('own')
})

test('every lookup has options of its own, for Hyperbee writes into them', async () => {
  const make = await beeMaker()
  const bee = await make({ a: 1 })
  const seen = new Set<unknown>()
  const noting = altered(bee, {
    batch: (options: Parameters<TextBee['batch']>[0]) => {
      seen.add(options)
      return bee.batch(options)
    }
  })
  await using union = new UnionBee([{ bee: noting, layer: 'json' }])
  for (const key of ['a', 'b']) await union.get(key)
  expect(seen.size).toBe(2)
})
