import { collect, replicate, tmpDir, tmpStore } from '@cloudpal/test-kit'
import RocksDB from 'rocksdb-native'
import { Readable } from 'streamx'
import { describe, expect, test, vi } from 'vitest'
import type { MultiBee } from '../src/index.ts'
import { RocksViewStore } from '../src/view/rocks-view-store.ts'
import { expectCode, openDevice, openReplica, untilShown } from './support/devices.ts'
import { failingStore } from './support/failing-store.ts'

async function entriesOf(db: MultiBee): Promise<Record<string, unknown>> {
  const entries = await collect(db.createReadStream())
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}

describe('an append that fails', () => {
  test('rejects all that were to share the block, and leaves nothing of them', async () => {
    const store = await tmpStore()
    const failing = failingStore(store)
    const db = await openDevice({ store })
    await db.put('a', 1)
    const { version } = db
    failing.append = 'before'
    await Promise.all(['b', 'c', 'd'].map((key) => expectCode(db.put(key, 1), 'MULTI_BEE_STORE_FAILED')))
    const batch = db.batch()
    await batch.put('e', 1)
    await expectCode(batch.flush(), 'MULTI_BEE_STORE_FAILED')
    await expectCode(
      db.update('a', () => 2),
      'MULTI_BEE_STORE_FAILED'
    )
    await expectCode(db.addWriter(new Uint8Array(32).fill(7)), 'MULTI_BEE_STORE_FAILED')
    expect(await entriesOf(db)).toEqual({ a: 1 })
    expect(db.version).toBe(version)

    failing.append = null
    await db.put('f', 1)
    expect(await entriesOf(db)).toEqual({ a: 1, f: 1 })
    expect((await collect(db.createHistoryStream())).map(({ key }) => key)).toEqual(['a', 'f'])
    expect(await db.writers()).toHaveLength(1)
  })

  test('after it has stored the block rejects too, and what is stored is shown on every device', async () => {
    const dir = await tmpDir()
    const store = await tmpStore({ dir })
    const failing = failingStore(store)
    const db = await openDevice({ store })
    const other = await openReplica(db)
    replicate(db, other)
    await db.put('a', { n: 1 })
    failing.append = 'after'
    await expectCode(db.put('a', { n: 2 }), 'MULTI_BEE_STORE_FAILED')
    await expectCode(db.put('b', 1), 'MULTI_BEE_STORE_FAILED')
    failing.append = null
    await db.put('c', 1)

    const all = { a: { n: 2 }, b: 1, c: 1 }
    expect(await entriesOf(db)).toEqual(all)
    await untilShown('c', 1, other)
    expect(await entriesOf(other)).toEqual(all)
    await db.close()
    await store.close()
    expect(await entriesOf(await openDevice({ store: await tmpStore({ dir }) }))).toEqual(all)
  })
})

describe('a view that cannot be written', () => {
  test('is told, keeps nobody from writing and reading, and is written once it can be', async () => {
    const dir = await tmpDir()
    const store = await tmpStore({ dir })
    const db = await openDevice({ store })
    const failures: unknown[] = []
    db.on('failure', (error) => failures.push((error as { code?: unknown }).code))
    await db.put('a', 1)
    await db.flush()
    const { version } = db
    const write = vi.spyOn(RocksViewStore.prototype, 'write').mockRejectedValue(new Error('no room'))
    await db.put('a', 2)
    await expectCode(db.flush(), 'MULTI_BEE_STORE_FAILED')
    await db.put('b', 1)
    await expectCode(db.flush(), 'MULTI_BEE_STORE_FAILED')
    expect(await entriesOf(db)).toEqual({ a: 2, b: 1 })
    expect((await db.checkout(version).get('a'))?.value).toBe(1)

    write.mockRestore()
    await db.flush()
    expect(await entriesOf(db)).toEqual({ a: 2, b: 1 })
    expect((await db.checkout(version).get('a'))?.value).toBe(1)
    await db.close()
    await store.close()
    const again = await openDevice({ store: await tmpStore({ dir }) })
    expect(await entriesOf(again)).toEqual({ a: 2, b: 1 })
    expect((await again.checkout(version).get('a'))?.value).toBe(1)
    // What a caller was told is not told again.
    expect(failures.filter((code) => code !== 'MULTI_BEE_STORE_FAILED')).toEqual([])
  })

  test('closes all the same, and says so', async () => {
    const db = await openDevice()
    const failures: unknown[] = []
    db.on('failure', (error) => failures.push((error as { code?: unknown }).code))
    await db.put('a', 1)
    const write = vi.spyOn(RocksViewStore.prototype, 'write').mockRejectedValue(new Error('no room'))
    await db.close()
    write.mockRestore()
    expect(failures).toContain('MULTI_BEE_STORE_FAILED')
  })
})

test('what a device keeps beside its logs fails with the code too', async () => {
  const store = await tmpStore()
  const failing = failingStore(store)
  const db = await openDevice({ store })
  failing.setUserData = true
  await db.put('a', 1)
  await expectCode(db.flush(), 'MULTI_BEE_STORE_FAILED')
  failing.setUserData = false
  await db.flush()
  expect(await entriesOf(db)).toEqual({ a: 1 })
})

test('a view that cannot be read rejects reads and writes with the code, and works once it can be', async () => {
  const db = await openDevice()
  await db.put('a', 1)
  await db.flush()
  const read = vi.spyOn(RocksDB.prototype, 'read').mockImplementation(() => {
    throw new Error('no disk')
  })
  await expectCode(db.get('a'), 'MULTI_BEE_STORE_FAILED')
  await expectCode(db.put('a', 2), 'MULTI_BEE_STORE_FAILED')
  read.mockRestore()
  const iterate = vi
    .spyOn(RocksDB.prototype, 'iterator')
    .mockImplementation(() => new Readable({ read: (done) => done(new Error('no disk')) }) as never)
  await expectCode(entriesOf(db), 'MULTI_BEE_STORE_FAILED')
  iterate.mockRestore()
  expect((await db.get('a'))?.value).toBe(1)
  await db.put('a', 2)
  expect((await db.get('a'))?.value).toBe(2)
})
