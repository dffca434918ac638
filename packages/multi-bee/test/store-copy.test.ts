import { cp, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom, tmpDir, tmpStore } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import type { EpochInfo } from '../src/index.ts'
import { DeviceProcess } from './crash/device-process.ts'
import { Ledger } from './crash/ledger.ts'
import { keysIn, readLogs } from './crash/logs.ts'
import { differencesOf } from './crash/differences.ts'
import { oracle } from './oracle/oracle.ts'
import { keyOf, openDevice, writerKeyOf } from './support/devices.ts'
import { worldOf } from './support/world-blocks.ts'

const COPIES = 4

/** Cuts off a part of what RocksDB has written last and not moved into tables. */
async function loseTail(database: string, share: number): Promise<void> {
  const logs = (await readdir(database)).filter((name) => name.endsWith('.log')).sort()
  const last = join(database, logs.at(-1) ?? '')
  await truncate(last, Math.floor((await stat(last)).size * share))
}

// Killing a process loses nothing that the system has taken. A machine that loses power may lose the end of it; the nearest a test comes
// to that is a copy of the files as they were at one moment, and one whose log lacks its end while the view is whole.
test.skipIf(process.platform === 'win32')(
  'a copy of the store, made at some moment while it is written, opens and shows what its log holds, also when that lacks its end',
  async () => {
    const random = seededRandom(4)
    const directory = await tmpDir()
    const encryptionKey = random.bytes(32)
    const store = await tmpStore({ dir: directory })
    const db = await openDevice({ store, encryptionKey })
    const [key, writer] = [keyOf(db), b4a.toString(writerKeyOf(db), 'hex')]
    await db.close()
    await store.close()

    const copies: { path: string; stamps: string[]; deleted: string[] }[] = []
    const target = await tmpDir()
    const ledger = new Ledger()
    let next = random.integer(5, 20)
    let copying: Promise<void> = Promise.resolve()
    const copy = async (): Promise<void> => {
      const path = join(target, `copy-${copies.length}`)
      await device.pause()
      const { stamps, deleted } = ledger
      copies.push({ path, stamps: [...stamps], deleted: [...deleted] })
      await cp(directory, path, { recursive: true })
      device.resume()
      next = ledger.stamps.length + random.integer(5, 40)
      if (copies.length === COPIES) device.kill()
    }
    const options = {
      directory,
      key: b4a.toString(key, 'hex'),
      encryptionKey: b4a.toString(encryptionKey, 'hex')
    }
    const device = new DeviceProcess(
      { ...options, seed: 4, device: 0, session: 0, budget: 2000 },
      (report) => {
        if (report.at !== 'acknowledged') return
        ledger.acknowledge(report)
        if (ledger.stamps.length < next) return
        next = Infinity
        copying = copying.then(copy)
      }
    )
    expect((await device.ended).signal).toBe('SIGKILL')
    await copying

    /** What a store holds of its first log, and of the one it goes on in. */
    const open = async (
      dir: string
    ): Promise<{ blocks: Uint8Array[]; epoch: EpochInfo | null; differences: string[] }> => {
      const store = await tmpStore({ dir, allowBackup: true })
      const db = await openDevice({ store, encryptionKey })
      await db.put('after', dir)
      const logs = await readLogs({ db, store }, encryptionKey)
      const world = worldOf(writer, logs)
      const keys = keysIn(world)
      return {
        blocks: logs.get(writer) ?? [],
        epoch: (await db.status()).epoch,
        differences: await differencesOf(db, oracle(world), keys)
      }
    }
    const isStartOf = (blocks: readonly Uint8Array[], longer: readonly Uint8Array[]): boolean =>
      blocks.length <= longer.length &&
      blocks.every((block, seq) => b4a.equals(block, longer[seq] as Uint8Array))

    const whole = await open(directory)
    expect(whole).toMatchObject({ differences: [], epoch: null })
    expect(copies).toHaveLength(COPIES)
    const copied = { reason: 'copied', previous: b4a.from(writer, 'hex') }
    let shorter = 0
    for (const { path, stamps, deleted } of copies) {
      const cut = `${path}-cut`
      await cp(path, cut, { recursive: true })
      await loseTail(join(cut, 'db'), random.float())

      const copy = await open(path)
      expect(copy).toMatchObject({ differences: [], epoch: copied })
      expect(isStartOf(copy.blocks, whole.blocks)).toBe(true)
      const acknowledged = new Ledger()
      acknowledged.acknowledge({ stamps, deleted, version: 0 })
      const world = worldOf(writer, new Map([[writer, copy.blocks]]))
      expect(acknowledged.lost(world.logs[writer] ?? [])).toEqual([])

      const left = await open(cut)
      expect(left).toMatchObject({ differences: [], epoch: copied })
      expect(isStartOf(left.blocks, copy.blocks)).toBe(true)
      if (left.blocks.length < copy.blocks.length) shorter++
    }
    expect(shorter).toBeGreaterThan(0)
  }
)
