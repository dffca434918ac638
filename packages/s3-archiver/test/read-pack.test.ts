import b4a from 'b4a'
import type Hypercore from 'hypercore'
import Hyperbee from 'hyperbee'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { Archiver, buildReadPack, openFromArchive, type ObjectStore } from '../src/index.ts'
import { coverPlaces, sealFront, unsealFront, type PackFront } from '../src/format/page.ts'
import type { TreeNode } from '../src/merkle/subtree.ts'
import { newestCommit, type StoredCommit } from '../src/read/commits.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { changeObject } from './changed-objects.ts'

const ENCODINGS = { keyEncoding: 'utf-8', valueEncoding: 'utf-8', extension: false } as const
const name = (i: number): string => `key-${String(i).padStart(6, '0')}`
const valueOf = (i: number): string => `value ${i} ${'x'.repeat(60)}`

type Bee = Hyperbee<string, string>

interface PackedBee {
  core: Hypercore
  bee: Bee
  store: ObjectStore
  archiver: Archiver
  key: Uint8Array
  put: (from: number, to: number) => Promise<void>
}

async function packed(entries: number, options: object = {}): Promise<PackedBee> {
  const core = (await tmpStore()).get({ name: 'core', ...options })
  await core.ready()
  const bee: Bee = new Hyperbee(core, ENCODINGS)
  const put = async (from: number, to: number): Promise<void> => {
    const batch = bee.batch()
    for (let i = from; i < to; i++) await batch.put(name(i), valueOf(i))
    await batch.flush()
  }
  for (let i = 0; i < entries; i += 1000) await put(i, Math.min(entries, i + 1000))
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: b4a.alloc(16, 1), live: false })
  onTestFinished(() => archiver.close())
  await archiver.flush()
  await buildReadPack(store, archiver, bee)
  return { core, bee, store, archiver, key: core.key as Uint8Array, put }
}

/** Opens a bee as a process that has nothing yet. */
async function open(store: ObjectStore, key: Uint8Array, options: object = {}) {
  const archive = await openFromArchive(store, { key, ...options })
  onTestFinished(() => archive.close())
  return { archive, bee: new Hyperbee<string, string>(archive.core as Hypercore, ENCODINGS) }
}

async function costOf(store: ObjectStore, key: Uint8Array, i: number, isThere = true) {
  const { archive, bee } = await open(store, key)
  const wanted = isThere ? name(i) : `${name(i)}x`
  const found = await bee.get(wanted)
  expect(found?.value).toBe(isThere ? valueOf(i) : undefined)
  const { requests, bytesRead } = archive.stats()
  await bee.get(wanted)
  expect(archive.stats().requests).toBe(requests)
  await archive.close()
  return { requests, bytesRead }
}

describe('a lookup in a bee with a read pack', () => {
  test('takes three requests from nothing, present or absent, and none when it is warm', async () => {
    const { store, key } = await packed(20_000)
    const all: number[] = []
    for (const [i, isThere] of [
      [0, true],
      [19_999, true],
      [7, false],
      [12_345, true],
      [8000, false]
    ] as const) {
      const { requests, bytesRead } = await costOf(store, key, i, isThere)
      all.push(requests)
      expect(bytesRead).toBeLessThan(200_000)
    }
    // Two where what is looked for is decided at the top of the tree, in the front.
    expect(Math.max(...all)).toBe(3)
  })

  test('of a small bee takes two: all of it is in the front', async () => {
    const { store, key } = await packed(200)
    expect((await costOf(store, key, 77)).requests).toBe(2)
  })

  test('a range of a hundred takes few', async () => {
    const { store, key } = await packed(20_000)
    const { archive, bee } = await open(store, key)
    const range = await collect(bee.createReadStream({ gte: name(9000) }, { limit: 100 }))
    expect(range.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, i) => valueOf(9000 + i)))
    expect(archive.stats().requests).toBeLessThanOrEqual(5)
  })

  test('the whole bee comes out of it, in order', async () => {
    const { store, key } = await packed(3000)
    const { bee } = await open(store, key)
    const all = await collect(bee.createReadStream())
    expect(all.map(({ key }) => key)).toEqual(Array.from({ length: 3000 }, (_, i) => name(i)))
  })
})

describe('a read pack', () => {
  test('serves what has not changed when the core has grown, and what has comes from the shards', async () => {
    const { store, key, put, archiver } = await packed(20_000)
    await put(20_000, 20_010)
    await archiver.flush()
    const { requests } = await costOf(store, key, 500)
    expect(requests).toBeLessThanOrEqual(6)
    expect((await costOf(store, key, 20_005)).requests).toBeLessThanOrEqual(6)
  })

  test('of a line that was given up is not used', async () => {
    const { store, key, core, bee, archiver } = await packed(3000)
    await core.truncate(core.length - 1000)
    await bee.put(name(1), 'other')
    await archiver.flush()
    const opened = await open(store, key)
    expect((await opened.bee.get(name(1)))?.value).toBe('other')
    expect((await opened.bee.get(name(999)))?.value).toBe(valueOf(999))
    await buildReadPack(store, archiver, bee)
    expect((await costOf(store, key, 999)).requests).toBeLessThanOrEqual(3)
  })

  test('that was pruned is not missed', async () => {
    const { store, key } = await packed(20_000)
    for (const { name } of await collect(store.list('p/'))) await store.delete(name)
    const { requests } = await costOf(store, key, 12_345)
    expect(requests).toBeGreaterThan(3)
  })

  test('that was changed anywhere is not believed', async () => {
    const { store, key } = await packed(5000)
    const pages = await collect(store.list('p/'))
    expect(pages.length).toBeGreaterThan(0)
    for (const { name, size } of pages)
      await changeObject(store, name, (bytes) => {
        for (let at = 7; at < size; at += 1000) bytes[at] = (bytes[at] ?? 0) ^ 1
      })
    for (const i of [1234, 2500, 3777]) expect((await costOf(store, key, i)).requests).toBeGreaterThan(3)
  })

  test('that is sealed by who knows the key, but not of the signed core, is not believed', async () => {
    const { store, key, archiver } = await packed(5000)
    const { commit } = (await newestCommit(store)) as StoredCommit
    const [{ objects, bytes } = { objects: [], bytes: b4a.alloc(0) }] = commit.fronts
    const front = unsealFront(key, bytes)
    const changes: Partial<PackFront>[] = [
      { cover: front.cover.map((node) => ({ ...node, hash: b4a.alloc(32, 1) })) },
      { length: front.length - 1 },
      { fork: 3 },
      { blocks: new Map([...front.blocks].map(([seq, block]) => [seq, b4a.from(block).fill(0)])) },
      { locator: front.locator.map(([seq]) => [seq, 0] as const) }
    ]
    for (const change of changes) {
      const { cover = front.cover, length = front.length } = change
      const nodes = coverPlaces(length, front.height).map((_, i) => cover[i] as TreeNode)
      const forged = sealFront(key, { ...front, ...change, cover: nodes })
      await archiver.attachFront(key, { objects, bytes: forged })
      for (const i of [1, 2500, 4998]) await costOf(store, key, i)
    }
  })

  test('of an encrypted bee shows nothing of it', async () => {
    const encryption = { key: b4a.alloc(32, 9) }
    const { store, key } = await packed(5000, { encryption })
    for (const { name, size } of await collect(store.list(''))) {
      const object = await store.getRange(name, { start: 0, end: size })
      expect(b4a.toString(object?.bytes ?? b4a.alloc(0), 'latin1')).not.toMatch(/key-00|value \d/)
    }
    const { archive, bee } = await open(store, key, { encryption })
    expect((await bee.get(name(4321)))?.value).toBe(valueOf(4321))
    expect(archive.stats().requests).toBe(3)
  })

  test('of an empty bee, or of another core, is none', async () => {
    const core = (await tmpStore()).get({ name: 'core' })
    const bee: Bee = new Hyperbee(core, ENCODINGS)
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], writerId: b4a.alloc(16, 1), live: false })
    onTestFinished(() => archiver.close())
    await expect(buildReadPack(store, archiver, bee)).rejects.toMatchObject({
      code: 'S3_ARCHIVER_NOT_ARCHIVED'
    })
  })
})
