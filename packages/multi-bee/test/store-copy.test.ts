import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom, tmpDir, tmpStore } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { DeviceProcess } from './crash/device-process.ts'
import { Ledger } from './crash/ledger.ts'
import { changedBlocks, keysIn, readLogs } from './crash/logs.ts'
import { differencesOf, shownBy, shownByOracle } from './crash/shown.ts'
import { oracle } from './oracle/oracle.ts'
import { keyOf, openDevice, writerKeyOf } from './support/devices.ts'
import { worldOf } from './support/world-blocks.ts'

const COPIES = 4

// Killing a process loses nothing that the system has taken. A machine that loses power may lose the end of it; the nearest a test comes
// to that is a copy of the files, made at one moment while the device goes on.
test.skipIf(process.platform === 'win32')(
  'a copy of the store, made at some moment while it is written, opens and shows all that was acknowledged by then',
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

    const open = async (
      dir: string
    ): Promise<{ blocks: Map<string, Uint8Array[]>; differences: string[] }> => {
      const store = await tmpStore({ dir, allowBackup: true })
      const db = await openDevice({ store, encryptionKey })
      const blocks = await readLogs({ db, store }, encryptionKey)
      const world = worldOf(writer, blocks)
      const keys = keysIn(world)
      return {
        blocks,
        differences: differencesOf(await shownBy(db, keys), shownByOracle(oracle(world), keys))
      }
    }
    const whole = await open(directory)
    expect(whole.differences).toEqual([])
    expect(copies).toHaveLength(COPIES)
    for (const { path, stamps, deleted } of copies) {
      const { blocks, differences } = await open(path)
      expect(differences).toEqual([])
      expect(changedBlocks(blocks, whole.blocks)).toEqual([])
      const acknowledged = new Ledger()
      acknowledged.acknowledge({ stamps, deleted, version: 0 })
      expect(acknowledged.lost(worldOf(writer, blocks).logs[writer] ?? [])).toEqual([])
    }
  }
)
