import b4a from 'b4a'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import Hyperdrive from 'hyperdrive'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect, tmpStore, until } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import {
  Archiver,
  compact,
  openFromArchive,
  type ObjectStore,
  type OpenedArchive,
  type OpenFromArchiveOptions
} from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { changeObject } from './changed-objects.ts'

const WRITER = b4a.alloc(16, 1)

const numbered = (count: number, size = 20): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => b4a.from(`${i} `.padEnd(size, 'x')))

async function source(options: object = {}): Promise<Hypercore> {
  const core = (await tmpStore()).get({ name: 'core', ...options })
  await core.ready()
  return core
}

async function archived(core: Hypercore, store: ObjectStore = new MemoryStore()) {
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false })
  onTestFinished(() => archiver.close())
  await archiver.flush()
  return { store, archiver, key: core.key as Uint8Array }
}

async function open(
  store: ObjectStore,
  options: OpenFromArchiveOptions
): Promise<OpenedArchive & { core: Hypercore }> {
  const archive = await openFromArchive(store, options)
  onTestFinished(() => archive.close())
  return archive as OpenedArchive & { core: Hypercore }
}

describe('a core that is opened from its archive', () => {
  test.each([1, 2, 100, 1000])('of %i blocks has them all', async (count) => {
    const core = await source()
    await core.append(numbered(count))
    const { store, key } = await archived(core)
    const { core: read, stats } = await open(store, { key })
    expect([read.length, read.fork, read.writable, read.byteLength]).toEqual([count, 0, false, count * 20])
    for (const seq of new Set([0, 1, count >> 1, count - 1].filter((seq) => seq < count)))
      expect(await read.get(seq)).toEqual(numbered(count)[seq])
    expect(stats).toBeTypeOf('function')
  })

  test('in many shards, tails and groups is read in any order', async () => {
    const core = await source()
    const { store, archiver, key } = await archived(core)
    const all: Uint8Array[] = []
    for (const [count, size] of [
      [3000, 3000],
      [7, 50],
      [900, 200],
      [1, 0],
      [33, 9000]
    ] as const) {
      const blocks = numbered(count, size).map((block) => block.subarray(0, size))
      all.push(...blocks)
      await core.append(blocks)
      await archiver.flush()
    }
    const archive = await open(store, { key })
    const order = all.map((_, i) => (i * 1361) % all.length)
    for (const seq of order.slice(0, 300)) expect(await archive.core.get(seq)).toEqual(all[seq])
    expect(new Set(order).size).toBe(all.length)
    await archive.download()
    expect(archive.core.contiguousLength).toBe(all.length)
  })

  test('costs a list and a get to open, and what was read is not read again', async () => {
    const core = await source()
    await core.append(numbered(40))
    const { store, key } = await archived(core)
    const archive = await open(store, { key })
    expect(archive.stats()).toMatchObject({ requests: 2, lists: 1, gets: 1 })
    for (let seq = 0; seq < 40; seq++) await archive.core.get(seq)
    expect(archive.stats()).toMatchObject({ requests: 2 })
  })

  test('reads groups that lie side by side in one request', async () => {
    const core = await source()
    await core.append(numbered(3000, 4096))
    const { store, key } = await archived(core)
    const archive = await open(store, { key })
    await archive.core.get(0)
    const before = archive.stats().gets
    await Promise.all([10, 11, 12, 14].map((seq) => archive.core.get(seq)))
    expect(archive.stats().gets).toBe(before + 1)
  })

  test('is read with the key that decrypts, which the archive never had', async () => {
    const encryption = { key: b4a.alloc(32, 9) }
    const core = await source({ encryption })
    await core.append(numbered(20))
    const { store, key } = await archived(core)
    const { core: read } = await open(store, { key, encryption })
    expect(await read.get(7)).toEqual(numbered(8)[7])
  })

  test('carries a Hyperbee, whose reads, ranges and snapshots come from the archive', async () => {
    const core = await source()
    const bee = new Hyperbee<string, string>(core, {
      keyEncoding: 'utf-8',
      valueEncoding: 'utf-8',
      extension: false
    })
    const batch = bee.batch()
    for (let i = 0; i < 3000; i++) await batch.put(`key-${String(i).padStart(5, '0')}`, `value ${i}`)
    await batch.flush()
    const { store, key } = await archived(core)
    const archive = await open(store, { key })
    const read = new Hyperbee<string, string>(archive.core, {
      keyEncoding: 'utf-8',
      valueEncoding: 'utf-8',
      extension: false
    })
    expect((await read.get('key-01234'))?.value).toBe('value 1234')
    expect(await read.get('key-x')).toBeNull()
    const range = await collect(read.createReadStream({ gte: 'key-02000' }, { limit: 50 }))
    expect(range.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, i) => `value ${2000 + i}`))
    expect((await read.snapshot().get('key-00007'))?.value).toBe('value 7')
  })

  test('follows what is archived later, and across a truncation', async () => {
    const core = await source()
    await core.append(numbered(10))
    const { store, archiver, key } = await archived(core)
    const archive = await open(store, { key })
    const waiting = archive.core.get(12)
    expect(await archive.update()).toBe(false)
    await core.append(numbered(5))
    await archiver.flush()
    expect(await archive.update()).toBe(true)
    expect([archive.core.length, await archive.core.get(12)]).toEqual([15, numbered(3)[2]])
    expect(await waiting).toEqual(numbered(3)[2])
    await core.truncate(4)
    await core.append(b4a.from('other'))
    await archiver.flush()
    expect(await archive.update()).toBe(true)
    expect([archive.core.fork, archive.core.length]).toEqual([1, 5])
    expect(await archive.core.get(4)).toEqual(b4a.from('other'))
    expect(await archive.core.get(3)).toEqual(numbered(4)[3])
  })

  test('finds what was put together, and removed where it was, since it was opened', async () => {
    const core = await source()
    const { store, archiver, key } = await archived(core)
    const all: Uint8Array[] = []
    for (let i = 0; i < 5; i++) {
      const blocks = numbered(100, i % 2 === 0 ? 20 : 1000)
      all.push(...blocks)
      await core.append(blocks)
      await archiver.flush()
    }
    await archiver.close()
    const archive = await open(store, { key })
    const old = await collect(store.list(''))
    await compact(store, { keys: [key], writerId: WRITER })
    for (const { name } of old) await store.delete(name)
    for (const seq of [450, 3, 120, 499]) expect(await archive.core.get(seq)).toEqual(all[seq])
    expect(await archive.update()).toBe(false)
  })

  test('that is of a newer format, or holds another core in its place, is refused with a code', async () => {
    const core = await source()
    await core.append(numbered(3))
    const { store, key } = await archived(core)
    const [newest] = await collect(store.list('l/', { limit: 1 }))
    await changeObject(store, newest?.name ?? '', (bytes) => void (bytes[3] = 9))
    await expect(openFromArchive(store, { key })).rejects.toMatchObject({ code: 'S3_ARCHIVER_NEWER_FORMAT' })
    const other = await source({ name: 'other' })
    await other.append(numbered(3))
    const { store: second } = await archived(other)
    await changeObject(store, newest?.name ?? '', () => new Uint8Array(0))
    await expect(openFromArchive(store, { key })).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    await expect(openFromArchive(second, { key })).rejects.toMatchObject({ code: 'S3_ARCHIVER_NOT_ARCHIVED' })
  })

  test('looks for newer heads by itself when it is told to', async () => {
    const core = await source()
    await core.append(numbered(3))
    const { store, archiver, key } = await archived(core)
    const heads: object[] = []
    const archive = await open(store, { key, pollMs: 1, onchange: (head) => heads.push(head) })
    await core.append(numbered(1))
    await archiver.flush()
    await until(() => heads.length > 0)
    expect(heads).toEqual([{ fork: 0, length: 4 }])
    expect(archive.core.length).toBe(4)
  })

  test('goes on in a Corestore of its own with what it has read, without a request', async () => {
    const core = await source()
    await core.append(numbered(3000, 500))
    const { store, key } = await archived(core)
    const corestore: Corestore = await tmpStore()
    const first = await openFromArchive(store, { key, corestore })
    expect(await (first.core as Hypercore).get(77)).toEqual(numbered(78, 500)[77])
    await first.close()
    const second = await open(store, { key, corestore })
    expect(await second.core.get(77)).toEqual(numbered(78, 500)[77])
    expect(second.stats().requests).toBe(2)
  })
})

describe('what an archive cannot do to its reader', () => {
  test('changed blocks are not read: the read fails with a code, and others go on', async () => {
    const core = await source()
    await core.append(numbered(300, 5000))
    const { store, key } = await archived(core)
    const [{ name, size } = { name: '', size: 0 }] = await collect(store.list('s/'))
    await changeObject(store, name, (bytes) => void (bytes[size - 10] = (bytes[size - 10] ?? 0) ^ 1))
    const archive = await open(store, { key })
    const results = await Promise.allSettled(Array.from({ length: 300 }, (_, seq) => archive.core.get(seq)))
    const failed = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : []
    )
    expect(failed).toMatchObject([{ code: 'S3_ARCHIVER_DAMAGED' }])
    expect(results.at(-1)?.status).toBe('rejected')
    expect(await archive.core.get(0)).toEqual(numbered(1, 5000)[0])
  })

  test('an object that is gone or cut short is a damage, with a code', async () => {
    const core = await source()
    await core.append(numbered(3000, 400))
    const { store, key } = await archived(core)
    const [{ name, size } = { name: '', size: 0 }] = await collect(store.list('s/'))
    await changeObject(store, name, (bytes) => bytes.subarray(0, size >> 1))
    const archive = await open(store, { key })
    await expect(archive.core.get(2999)).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    await store.delete(name)
    await expect(archive.core.get(2998)).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
  })

  test('a bee’s streams and reads fail, too, and do not hang', async () => {
    const core = await source()
    const bee = new Hyperbee<string, string>(core, {
      keyEncoding: 'utf-8',
      valueEncoding: 'utf-8',
      extension: false
    })
    const batch = bee.batch()
    for (let i = 0; i < 2000; i++) await batch.put(`key-${i}`, 'x'.repeat(100))
    await batch.flush()
    const { store, key } = await archived(core)
    for (const { name } of await collect(store.list('s/'))) await store.delete(name)
    const archive = await open(store, { key })
    const read = new Hyperbee<string, string>(archive.core, {
      keyEncoding: 'utf-8',
      valueEncoding: 'utf-8',
      extension: false
    })
    const damaged = { code: 'S3_ARCHIVER_DAMAGED' }
    await expect(read.get('key-7')).rejects.toMatchObject(damaged)
    await expect(collect(read.createReadStream())).rejects.toMatchObject(damaged)
  })

  test('a core that is not there, a wrong key and an empty archive have codes', async () => {
    const core = await source()
    await core.append(numbered(3))
    const { store } = await archived(core)
    const absent = { code: 'S3_ARCHIVER_NOT_ARCHIVED' }
    await expect(openFromArchive(store, { key: b4a.alloc(32, 5) })).rejects.toMatchObject(absent)
    await expect(openFromArchive(new MemoryStore(), { key: b4a.alloc(32) })).rejects.toMatchObject(absent)
    const bad = { code: 'S3_ARCHIVER_BAD_ARGUMENT' }
    await expect(openFromArchive(store, { key: b4a.alloc(31) })).rejects.toMatchObject(bad)
  })

  test('what it was before is noticed: in one session, in one Corestore, and with a mark', async () => {
    const core = await source()
    await core.append(numbered(3))
    const { store, archiver, key } = await archived(core)
    await core.append(numbered(3))
    await archiver.flush()
    const corestore = await tmpStore()
    const archive = await open(store, { key, corestore })
    const { mark } = archive
    const [newest] = await collect(store.list('l/', { limit: 1 }))
    await store.delete(newest?.name ?? '')
    const rollback = { code: 'S3_ARCHIVER_ROLLBACK' }
    await expect(archive.update()).rejects.toMatchObject(rollback)
    expect(await archive.core.get(5)).toEqual(numbered(3)[2])
    await archive.close()
    await expect(openFromArchive(store, { key, corestore })).rejects.toMatchObject(rollback)
    await expect(openFromArchive(store, { key, mark })).rejects.toMatchObject(rollback)
    expect((await open(store, { key })).core.length).toBe(3)
  })

  test('a read ends with the session, and calls on a closed one fail', async () => {
    const core = await source()
    await core.append(numbered(3))
    const { store, key } = await archived(core)
    const archive = await open(store, { key })
    const waiting = archive.core.get(99)
    await Promise.all([archive.close(), expect(waiting).rejects.toThrow(/closed|cancel/i)])
    await expect(archive.update()).rejects.toMatchObject({ code: 'S3_ARCHIVER_CLOSED' })
  })
})

describe('with all sessions of a Corestore', () => {
  async function archivedDrive(files: Record<string, Uint8Array>) {
    const corestore = await tmpStore()
    const drive = new Hyperdrive(corestore)
    for (const [path, bytes] of Object.entries(files)) await drive.put(path, bytes)
    const store = new MemoryStore()
    const archiver = new Archiver(store, { corestore, writerId: WRITER, live: false, probe: false })
    await archiver.flush()
    await archiver.close()
    const blobs = (await drive.getBlobs())?.core as Hypercore
    return { store, drive, keys: [drive.key, blobs.key] as Uint8Array[] }
  }

  test('a drive is read from its two cores', async () => {
    const files = { '/a.txt': b4a.from('hello'), '/b/c': crypto.randomBytes(300_000) }
    const { store, drive, keys } = await archivedDrive(files)
    const corestore = await tmpStore()
    for (const key of keys) await open(store, { key, corestore, allSessions: true })
    const read = new Hyperdrive(corestore, drive.key)
    for (const [path, bytes] of Object.entries(files)) expect(await read.get(path)).toEqual(bytes)
    expect(await read.get('/none')).toBe(null)
    const names: string[] = []
    for await (const { key } of read.list('/')) names.push(key)
    expect(names).toEqual(['/a.txt', '/b/c'])
  })

  test('a read of what is damaged fails in any of them, with a code', async () => {
    const { store, drive, keys } = await archivedDrive({ '/a': crypto.randomBytes(300_000) })
    for (const { name } of await collect(store.list('s/')))
      await changeObject(store, name, (bytes) => {
        bytes[bytes.byteLength - 5] = (bytes[bytes.byteLength - 5] ?? 0) ^ 1
        return bytes
      })
    const corestore = await tmpStore()
    for (const key of keys) await open(store, { key, corestore, allSessions: true })
    const read = new Hyperdrive(corestore, drive.key)
    await expect(read.get('/a')).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
  })
})

test('a core that is read from its archive, and has a peer that is ahead of it, reads what the peer has', async () => {
  const store = new MemoryStore()
  const core = await source()
  await core.append(numbered(10))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, live: false, probe: false })
  await archiver.flush()
  await archiver.close()
  await core.append(numbered(20).slice(10))
  const corestore = await tmpStore()
  const archive = await openFromArchive(store, { key: core.key as Uint8Array, corestore })
  const read = archive.core as Hypercore
  const streams = [core.replicate(true), corestore.replicate(false)] as const
  streams[0].pipe(streams[1]).pipe(streams[0])
  await until(() => read.length === 20)
  const block = await read.get(15)
  for (const stream of streams) stream.destroy()
  await archive.close()
  expect(block).toEqual(numbered(16)[15])
})
