import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { PortableCore, readFromArchive } from '../src/browser/index.ts'
import { Archiver, buildReadPack, type ObjectStore } from '../src/index.ts'
import { tableLength } from '../src/format/shard.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { changeObject } from './changed-objects.ts'

const ENCODINGS = { keyEncoding: 'utf-8', valueEncoding: 'utf-8', extension: false } as const

async function archivedBee(entries: number) {
  const core = (await tmpStore()).get({ name: 'core' })
  const bee = new Hyperbee<string, string>(core, ENCODINGS)
  const put = async (from: number, to: number): Promise<void> => {
    const batch = bee.batch()
    for (let i = from; i < to; i++) await batch.put(`key-${String(i).padStart(5, '0')}`, `value ${i}`)
    await batch.flush()
  }
  await put(0, entries)
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: b4a.alloc(16, 1), live: false })
  onTestFinished(() => archiver.close())
  await archiver.flush()
  return { core, bee, put, store, archiver, key: core.key as Uint8Array }
}

async function read(store: ObjectStore, key: Uint8Array, options: object = {}) {
  const core = await readFromArchive(store, { key, ...options })
  onTestFinished(() => core.close())
  return { core, bee: new Hyperbee<string, string>(core as unknown as Hypercore, ENCODINGS) }
}

describe('a core without Hypercore', () => {
  test('carries a Hyperbee: gets, ranges, snapshots', async () => {
    const { store, key, archiver, bee: source } = await archivedBee(5000)
    await buildReadPack(store, archiver, source)
    const { core, bee } = await read(store, key)
    expect((await bee.get('key-01234'))?.value).toBe('value 1234')
    expect(await bee.get('key-x')).toBeNull()
    expect(core.stats().requests).toBeLessThanOrEqual(4)
    const range = await collect(bee.createReadStream({ gte: 'key-04990' }))
    expect(range.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, i) => `value ${4990 + i}`))
    expect((await bee.snapshot().get('key-00000'))?.value).toBe('value 0')
    await bee.close()
    expect(core.closed).toBe(true)
  })

  test('follows what is archived later, and a snapshot stays what it was', async () => {
    const { store, key, put, archiver, core: source } = await archivedBee(100)
    const { core, bee } = await read(store, key)
    const snapshot = core.snapshot()
    const told: unknown[] = []
    core.on('append', () => told.push('append')).on('truncate', (...args: number[]) => told.push(args))
    expect(await core.update()).toBe(false)
    await put(100, 200)
    await archiver.flush()
    expect(await core.update()).toBe(true)
    expect([core.length, snapshot.length]).toEqual([201, 101])
    expect((await bee.get('key-00150'))?.value).toBe('value 150')
    await source.truncate(101)
    await put(500, 501)
    await archiver.flush()
    expect(await core.update()).toBe(true)
    expect([core.fork, core.length, snapshot.fork]).toEqual([1, 102, 0])
    expect((await bee.get('key-00500'))?.value).toBe('value 500')
    expect(await bee.get('key-00150')).toBeNull()
    expect(await snapshot.get(50)).toEqual(await source.get(50))
    expect(told).toEqual(['append', [102, 1], 'append'])
    await snapshot.close()
  })

  test('fails with codes: beyond its end, damaged, rolled back, closed', async () => {
    const { store, key, put, archiver } = await archivedBee(3000)
    await put(3000, 3001)
    await archiver.flush()
    const { core } = await read(store, key)
    await expect(core.get(9999)).rejects.toMatchObject({ code: 'S3_ARCHIVER_MISSING_BLOCKS' })
    for (const { name } of await collect(store.list('s/'))) await store.delete(name)
    await expect(core.get(5)).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    const [newest] = await collect(store.list('l/', { limit: 1 }))
    await store.delete(newest?.name ?? '')
    await expect(core.update()).rejects.toMatchObject({ code: 'S3_ARCHIVER_ROLLBACK' })
    await expect(read(store, key, { mark: core.mark })).rejects.toMatchObject({
      code: 'S3_ARCHIVER_ROLLBACK'
    })
    await expect(read(store, b4a.alloc(3))).rejects.toMatchObject({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
    await core.close()
    expect(core).toBeInstanceOf(PortableCore)
    await expect(core.get(5)).rejects.toMatchObject({ code: 'S3_ARCHIVER_CLOSED' })
  })

  test('does not believe a table that goes with itself, but not with what is signed', async () => {
    const { store, key } = await archivedBee(3000)
    const [{ name } = { name: '' }] = await collect(store.list('s/'))
    await changeObject(store, name, (bytes) => {
      const end = tableLength(bytes) - 32
      bytes[end - 1] = (bytes[end - 1] ?? 0) ^ 1
      bytes.set(crypto.hash(bytes.subarray(0, end)), end)
    })
    const { core } = await read(store, key)
    await expect(core.get(5)).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
  })

  test('knows what costs no request', async () => {
    const { store, key } = await archivedBee(3000)
    const { core } = await read(store, key)
    expect([await core.has(5), await core.get(5, { wait: false })]).toEqual([false, null])
    const block = (await core.get(5)) as Uint8Array
    block.fill(0)
    expect(await core.has(5)).toBe(true)
    expect(await core.get(5, { wait: false })).not.toEqual(block)
  })
})
