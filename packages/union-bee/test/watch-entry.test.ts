import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { createOverlay, UnionBee } from '../src/index.ts'
import { altered } from './support/altered.ts'
import { beeMaker } from './support/bees.ts'

test('an entry is followed through all sources, and through what hides it', async () => {
  const make = await beeMaker()
  const [top, lower] = [await make(), await make({ k: 'low' })]
  await using overlay = createOverlay({ top, lower })
  const entry = await overlay.getAndWatch('k')
  const seen: unknown[] = [entry.node?.value]
  entry.on('update', () => seen.push(entry.node?.value ?? null))
  await overlay.put('k', 'high')
  await until(() => seen.length === 2)
  await overlay.del('k')
  await until(() => seen.length === 3)
  await lower.put('k', 'hidden')
  await overlay.put('k', 'again')
  await until(() => seen.length === 4)
  expect(seen).toEqual(['low', 'high', null, 'again'])
  await entry.close()
})

test('a watcher of an entry sees a write to an overlay below', async () => {
  const make = await beeMaker()
  const lower = await make({ k: 'below' })
  await using overlay = createOverlay({ top: await make(), lower })
  await using outer = new UnionBee([overlay])
  const watcher = await outer.getAndWatch('k')
  await overlay.put('k', 'above')
  await until(() => watcher.node?.value === 'above')
})

test('an entry watcher does not report an entry as gone because its source failed', async () => {
  const make = await beeMaker()
  const [a, b] = [await make(), await make({ k: 1 })]
  let offline = false
  let looks = 0
  const flaky = altered(b, {
    get: (key: string) => {
      looks++
      return offline ? Promise.reject(new Error('offline')) : b.get(key)
    }
  })
  await using union = new UnionBee([a, flaky], { policy: 'degrade' })
  const watcher = await union.getAndWatch('k')
  let updates = 0
  const problems: unknown[] = []
  watcher.on('update', () => updates++)
  watcher.on('error', (error: unknown) => problems.push(error))
  offline = true
  union.add(await make({ k: 'hidden' }))
  await until(() => looks > 1)
  offline = false
  await b.put('k', 2)
  await until(() => updates > 0)
  expect([updates, watcher.node?.value, problems]).toEqual([1, 2, []])
})
