import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { LocalState } from '../src/hypercore-adapter.ts'
import { keyOf, openDevice, writerKeyOf } from './support/devices.ts'
import { DiskDevice } from './support/disk-device.ts'

afterEach(() => void vi.restoreAllMocks())

/** Opens as if the process were killed after the file of the mark is there, and before anything is in it. */
async function killedAtMark(device: DiskDevice, allowBackup: boolean): Promise<void> {
  const { set } = LocalState.prototype
  const before = await readdir(device.directory)
  const spy = vi.spyOn(LocalState.prototype, 'set').mockImplementation(async function (
    this: LocalState,
    field,
    value
  ) {
    if (field !== 'marked') return set.call(this, field, value)
    const marks = (await readdir(device.directory)).filter((name) => name.endsWith('.device'))
    for (const name of marks) if (!before.includes(name)) await writeFile(join(device.directory, name), '')
    throw new Error('killed')
  })
  await expect(device.open(allowBackup)).rejects.toThrow('killed')
  spy.mockRestore()
  await device.close()
}

test('a device that was killed while it made its first mark opens again, in the same log', async () => {
  const first = await openDevice()
  const device = await DiskDevice.create({ key: keyOf(first), encryptionKey: first.encryptionKey })
  await killedAtMark(device, false)
  const writer = writerKeyOf(await device.open())
  await device.close()
  const db = await device.open()
  expect(writerKeyOf(db)).toEqual(writer)
  expect(await db.status()).toMatchObject({ epoch: null })
})

test('a copy that was killed while it marked the log it goes on in goes on there', async () => {
  const device = await DiskDevice.create()
  const original = writerKeyOf(await device.open())
  await device.db.put('a', 1)
  await device.close()
  const copy = await device.copy()
  await killedAtMark(copy, true)
  const db = await copy.open(true)
  await db.put('b', 2)
  expect(writerKeyOf(db)).not.toEqual(original)
  expect(await db.status()).toMatchObject({ epoch: { reason: 'copied', previous: original } })
  expect(await db.writers()).toHaveLength(2)
})
