import { collect, replicate, tmpDir, tmpStore } from '@cloudpal/test-kit'
import { expect, test, vi } from 'vitest'
import type { MultiBee } from '../src/index.ts'
import { RocksViewStore } from '../src/view/rocks-view-store.ts'
import { keyOf, openDevice, openReplica, untilShown, writerKeyOf } from './support/devices.ts'

async function changedSince(db: MultiBee, version: number): Promise<string[]> {
  const keys: string[] = []
  for await (const { left, right } of db.createDiffStream(version)) keys.push((left ?? right)?.key ?? '')
  return keys
}

test('a version that was shown is never another one after a crash of the view', async () => {
  const dir = await tmpDir()
  const store = await tmpStore({ dir })
  const first = await openDevice()
  const db = await openReplica(first, { store })
  await first.addWriter(writerKeyOf(db))
  replicate(first, db)
  await first.put('before', 1)
  await untilShown('before', 1, db)
  await db.flush()

  // Applied again, in the order of the members, the other device's put comes before this device's own.
  await db.put('own', 1)
  const { version } = db
  await first.put('other', 1)
  await untilShown('other', 1, db)
  const newest = db.version
  // As if the process had been killed: what the view has not written yet is gone.
  const write = vi.spyOn(RocksViewStore.prototype, 'write').mockRejectedValue(new Error('no room'))
  await db.close()
  write.mockRestore()
  await store.close()

  const again = await openDevice({
    store: await tmpStore({ dir }),
    key: keyOf(first),
    encryptionKey: first.encryptionKey
  })
  expect(again.version).toBeGreaterThan(newest)
  expect(await changedSince(again, version)).toContain('other')
  expect(await changedSince(again, newest)).toEqual(['other', 'own'])
})

test('versions go on by one after a close', async () => {
  const dir = await tmpDir()
  const store = await tmpStore({ dir })
  const db = await openDevice({ store })
  await db.put('a', 1)
  const { version } = db
  await db.close()
  await store.close()
  const again = await openDevice({ store: await tmpStore({ dir }) })
  expect(again.version).toBe(version)
  await again.put('a', 2)
  expect(again.version).toBe(version + 1)
})

test('every version stays readable, written or not, and over a restart', async () => {
  const store = await tmpStore()
  const first = await openDevice({ store })
  const expected: [version: number, shown: [key: string, value: unknown][]][] = []
  for (let i = 0; i < 12; i++) {
    await first.put('k', i)
    if (i % 5 === 2) await first.del('other')
    else await first.put('other', { at: i })
    const shown: [string, unknown][] = [['k', i]]
    if (i % 5 !== 2) shown.push(['other', { at: i }])
    expected.push([first.version, shown])
    // Some versions share a write of the view, some do not, and the last ones are in none.
    if ([0, 1, 5, 8].includes(i)) await first.flush()
  }
  const check = async (db: typeof first): Promise<void> => {
    for (const [version, shown] of expected) {
      const then = db.checkout(version)
      expect((await collect(then.createReadStream())).map(({ key, value }) => [key, value])).toEqual(shown)
      expect((await then.get('k'))?.value).toBe(shown[0]?.[1])
      expect((await then.get('other'))?.value).toEqual(shown[1]?.[1])
      await then.close()
    }
  }
  await check(first)
  await first.flush()
  await check(first)
  await first.close()
  await check(await openDevice({ store }))
})
