import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Cleanup, tmpDir, tmpStore } from '../src/index.ts'

let earlier: { dir: string; closed: () => boolean }

test('a store is open and its directory exists', async () => {
  const store = await tmpStore()
  expect(store.opened).toBe(true)
  expect(existsSync(store.storage.path)).toBe(true)
  earlier = { dir: store.storage.path, closed: () => store.closed }
})

test('both are gone after the test', () => {
  expect(earlier.closed()).toBe(true)
  expect(existsSync(earlier.dir)).toBe(false)
})

test('outside a test the caller cleans up', async () => {
  const cleanup = new Cleanup()
  const dir = await tmpDir({ cleanup })
  writeFileSync(join(dir, 'file'), 'x')
  const store = await tmpStore({ cleanup })
  await cleanup.run()
  expect(store.closed).toBe(true)
  expect(existsSync(dir)).toBe(false)
})

test('a store opened again in its directory still has its data', async () => {
  const dir = await tmpDir()
  const before = await tmpStore({ dir })
  await before.get({ name: 'core' }).append('block')
  await before.close()
  const core = (await tmpStore({ dir })).get({ name: 'core' })
  await core.ready()
  expect(core.length).toBe(1)
})

test("a Corestore's own options are passed on", async () => {
  const primaryKey = new Uint8Array(32).fill(7)
  const keys = await Promise.all(
    [1, 2].map(async () => {
      const core = (await tmpStore({ primaryKey, unsafe: true })).get({ name: 'core' })
      await core.ready()
      return core.id
    })
  )
  expect(keys[0]).toBe(keys[1])
})
