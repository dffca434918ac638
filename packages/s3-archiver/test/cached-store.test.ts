import b4a from 'b4a'
import { expect, test } from 'vitest'
import { collect } from '@cloudpal/test-kit'
import { CachedStore } from '../src/store/cached-store.ts'
import { CountedStore } from '../src/store/counted-store.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { changeObject } from './changed-objects.ts'

async function cachedStore(maxBytes?: number) {
  const remote = new CountedStore(new MemoryStore())
  const cache = new MemoryStore()
  for (const name of ['s/a', 'l/b']) await remote.putIfAbsent(name, b4a.alloc(1000, name))
  const store = new CachedStore(remote, cache, maxBytes)
  const gets = (): number => remote.counts.gets
  return { store, cache, gets }
}

const PART = { start: 10, end: 30 }

test('a part is read once, and then kept; another one is another one', async () => {
  const { store, gets } = await cachedStore()
  const first = await store.getRange('s/a', PART)
  await store.settled()
  expect(await store.getRange('s/a', PART)).toEqual(first)
  expect(first).toEqual({ bytes: b4a.alloc(1000, 's/a').subarray(10, 30), size: 1000 })
  expect(gets()).toBe(1)
  await store.getRange('s/a', { start: 10, end: 31 })
  expect(gets()).toBe(2)
})

test('commits, and what is not there, are asked for each time', async () => {
  const { store, gets } = await cachedStore()
  for (const name of ['l/b', 'l/b', 's/none', 's/none']) {
    await store.getRange(name, PART)
    await store.settled()
  }
  expect(gets()).toBe(4)
})

test('what is kept is not what lies in the memory of who asked', async () => {
  const remote = new MemoryStore()
  await remote.putIfAbsent('s/a', b4a.from('what an object has, one part of which is kept after the other'))
  const store = new CachedStore(remote, new MemoryStore())
  const ranges = Array.from({ length: 20 }, (_, i) => ({ start: i, end: i + 20 }))
  await Promise.all(
    ranges.map(async (range) => {
      const buffer = b4a.alloc(20)
      await store.getRange('s/a', range, { buffer })
      buffer.fill(0)
    })
  )
  await store.settled()
  for (const range of ranges)
    expect((await store.getRange('s/a', range))?.bytes).toEqual((await remote.getRange('s/a', range))?.bytes)
})

test('what was changed in the cache is read anew', async () => {
  const { store, cache, gets } = await cachedStore()
  const first = await store.getRange('s/a', PART)
  await store.settled()
  for (const { name } of await collect(cache.list('')))
    await changeObject(cache, name, (bytes) => void (bytes[50] = (bytes[50] ?? 0) ^ 1))
  expect(await store.getRange('s/a', PART)).toEqual(first)
  await store.settled()
  expect(await store.getRange('s/a', PART)).toEqual(first)
  expect(gets()).toBe(2)
})

test('the cache stays as large as it may be, and a cache that fails is none', async () => {
  const { store, cache } = await cachedStore(500)
  for (let start = 0; start < 900; start += 100) {
    await store.getRange('s/a', { start, end: start + 100 })
    await store.settled()
  }
  const kept = await collect(cache.list(''))
  const bytes = kept.reduce((sum, { size }) => sum + size, 0)
  expect(bytes).toBeLessThanOrEqual(500)
  expect(bytes).toBeGreaterThan(200)
  const broken = new CachedStore(new MemoryStore(), new Broken())
  expect(await broken.getRange('s/a', PART)).toBeNull()
})

test('what a slow cache has not written yet does not pile up', async () => {
  const [inner, cache] = [new MemoryStore(), new Slow()]
  const store = new CachedStore(inner, cache)
  await inner.putIfAbsent('s/a', b4a.alloc(1024 * 1024))
  for (let start = 1; start <= 64; start++) await store.getRange('s/a', { start, end: 1024 * 1024 })
  cache.letGo()
  await store.settled()
  const kept = await collect(cache.list(''))
  expect(kept.length).toBeGreaterThan(8)
  expect(kept.length).toBeLessThanOrEqual(16)
})

test('what was not what it should be is dropped, and an object that is not named for its bytes is not kept', async () => {
  const { store, cache, gets } = await cachedStore()
  for (const range of [PART, { start: 20, end: 40 }, { start: 0, end: 5000 }])
    await store.getRange('s/a', range)
  await store.settled()
  expect(await collect(cache.list(''))).toHaveLength(2)
  await store.forget('s/a')
  expect(await collect(cache.list(''))).toEqual([])
  await store.getRange('s/a', PART)
  expect(gets()).toBe(4)
})

class Slow extends MemoryStore {
  letGo: () => void = () => {}
  readonly #isLetGo = new Promise<void>((resolve) => (this.letGo = resolve))

  override async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    await this.#isLetGo
    return super.putIfAbsent(name, bytes)
  }
}

class Broken extends MemoryStore {
  override async getRange(): Promise<never> {
    throw new Error('broken')
  }
}
