import { collect, replicate, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { describe, expect, test } from 'vitest'
import type { MultiBee, EpochInfo } from '../src/index.ts'
import { keyOf, openReplica, untilShown, writerKeyOf, expectCode } from './support/devices.ts'
import { DiskDevice } from './support/disk-device.ts'

const hex = (key: Uint8Array): string => b4a.toString(key, 'hex')

/** All a database shows, and who may write it. */
async function shown(db: MultiBee): Promise<unknown> {
  const entries = await collect(db.createReadStream())
  const writers = await db.writers()
  return {
    entries: entries.map(({ key, value }) => [key, value]),
    writers: writers.map(({ key, cutOff, forked }) => [hex(key), cutOff?.length ?? null, forked])
  }
}

async function untilEqual(...devices: readonly MultiBee[]): Promise<void> {
  await until(
    async () => {
      const [first, ...others] = await Promise.all(devices.map(async (db) => JSON.stringify(await shown(db))))
      return others.every((other) => other === first)
    },
    { message: 'the devices to show the same' }
  )
}

/** A laptop on a disk of its own, and a phone that knows all it wrote. */
async function laptopAndPhone(options: object = {}): Promise<{ laptop: DiskDevice; phone: MultiBee }> {
  const laptop = await DiskDevice.create({ name: 'laptop', ...options })
  const db = await laptop.open()
  await db.put('first', { by: 'laptop' })
  const phone = await openReplica(db, { name: 'phone' })
  await db.addWriter(writerKeyOf(phone), { name: 'phone' })
  const wire = replicate(db, phone)
  await until(() => phone.writable)
  await untilEqual(db, phone)
  await wire.destroy()
  return { laptop, phone }
}

describe('a copied store', () => {
  test('is refused by the Corestore, with a code that says what to do', async () => {
    const { laptop } = await laptopAndPhone()
    await laptop.close()
    const copy = await laptop.copy()
    await expectCode(copy.open(), 'MULTI_BEE_STORE_COPIED')
  })

  test('goes on in a new log on the second machine, and both are merged', async () => {
    const { laptop, phone } = await laptopAndPhone()
    await laptop.close()
    const clone = await laptop.copy()
    const original = await laptop.open()
    const copy = await clone.open(true)
    expect(await copy.status()).toMatchObject({
      epoch: { reason: 'copied', previous: writerKeyOf(original) }
    })
    expect(writerKeyOf(copy)).not.toEqual(writerKeyOf(original))
    await original.put('a', 'original')
    await copy.put('a', 'copy')
    await copy.put('b', 'copy')
    expect(await original.status()).toMatchObject({ epoch: null })

    replicate(original, copy)
    replicate(copy, phone)
    replicate(original, phone)
    await untilEqual(original, copy, phone)
    expect((await phone.get('b'))?.value).toBe('copy')
    expect(await phone.conflicts('a')).toHaveLength(1)
    const clones = (await phone.writers()).filter(({ name }) => name === 'laptop')
    expect(clones.map(({ cutOff, previous }) => [cutOff, previous && hex(previous)])).toEqual([
      [null, null],
      [null, hex(writerKeyOf(original))]
    ])
  })

  test('says so once, and then stays in its new log', async () => {
    const { laptop } = await laptopAndPhone()
    await laptop.close()
    const clone = await laptop.copy()
    const first = writerKeyOf(await clone.open(true))
    await clone.db.put('a', 1)
    await clone.close()
    expect(writerKeyOf(await clone.open(true))).toEqual(first)
    expect((await clone.db.get('a'))?.value).toBe(1)
    expect(await clone.db.writers()).toHaveLength(3)
  })

  test('that is copied again, offline, is found by all who know only its first log', async () => {
    const laptop = await DiskDevice.create({ name: 'laptop' })
    const db = await laptop.open()
    await db.put('a', 1)
    await laptop.close()
    const second = await laptop.copy()
    await second.open(true)
    await second.db.put('b', 2)
    await second.close()
    const third = await second.copy()
    const last = await third.open(true)
    await last.put('c', 3)
    expect(await last.writers()).toHaveLength(3)

    const phone = await openReplica(last, { name: 'phone' })
    replicate(last, phone)
    await untilEqual(last, phone)
    expect((await phone.get('c'))?.value).toBe(3)
    await last.addWriter(writerKeyOf(phone))
    await until(() => phone.writable)
    await phone.put('d', 4)
    await untilShown('d', 4, last)
  })
})

describe('a restored store', () => {
  test('of yesterday gets back what it wrote today, and goes on offline before it knows', async () => {
    const { laptop, phone } = await laptopAndPhone()
    await laptop.close()
    const backup = await laptop.copy()
    const today = await laptop.open()
    const wire = replicate(today, phone)
    for (let i = 0; i < 10; i++) await today.put(`today/${i}`, i)
    await untilEqual(today, phone)
    await wire.destroy()
    await laptop.close()

    const restored = await backup.open(true)
    await restored.put('after', 'restored')
    replicate(restored, phone)
    await untilEqual(restored, phone)
    expect((await restored.get('today/9'))?.value).toBe(9)
    expect((await phone.get('after'))?.value).toBe('restored')
    expect((await phone.writers()).filter(({ forked }) => forked)).toEqual([])
  })

  test('that looks untouched begins a new epoch when a peer holds more of its log', async () => {
    const { laptop, phone } = await laptopAndPhone()
    await laptop.close()
    const backup = await laptop.copy()
    await backup.looksUntouched()
    const today = await laptop.open()
    const wire = replicate(today, phone)
    for (let i = 0; i < 10; i++) await today.put(`today/${i}`, i)
    await untilEqual(today, phone)
    await wire.destroy()
    await laptop.close()

    const restored = await backup.open(true)
    const told: EpochInfo[] = []
    restored.on('epoch', (epoch) => void told.push(epoch))
    const before = writerKeyOf(restored)
    expect(await restored.status()).toMatchObject({ epoch: null })
    replicate(restored, phone)
    await until(async () => (await restored.status()).epoch !== null)
    await restored.put('after', 'restored')
    await untilEqual(restored, phone)
    expect(told).toEqual([{ reason: 'overtaken', previous: before }])
    expect((await restored.get('today/9'))?.value).toBe(9)
    expect((await phone.get('after'))?.value).toBe('restored')
  })

  test('that looks untouched and wrote before it met anybody keeps all it wrote, and closes no log', async () => {
    const { laptop, phone } = await laptopAndPhone()
    const tablet = await openReplica(phone, { name: 'tablet' })
    await phone.addWriter(writerKeyOf(tablet), { name: 'tablet' })
    await laptop.close()
    const backup = await laptop.copy()
    await backup.looksUntouched()
    const today = await laptop.open()
    const wire = replicate(today, phone)
    for (let i = 0; i < 10; i++) await today.put(`today/${i}`, i)
    await untilEqual(today, phone)
    await wire.destroy()
    await laptop.close()

    const restored = await backup.open(true)
    const told: EpochInfo[] = []
    restored.on('epoch', (epoch) => void told.push(epoch))
    const forked = writerKeyOf(restored)
    for (let i = 0; i < 3; i++) await restored.put('unsent', { i })
    await restored.put('unsent/2', { text: 'b' })
    await restored.put('both', 'laptop')
    await phone.put('both', 'phone')
    const withPhone = replicate(restored, phone)
    replicate(phone, tablet)
    await until(async () => (await restored.status()).epoch !== null)
    await untilEqual(restored, phone, tablet)
    expect(told).toEqual([{ reason: 'forked', previous: forked }])
    expect((await phone.get('unsent'))?.value).toEqual({ i: 2 })
    expect((await tablet.get('unsent/2'))?.value).toEqual({ text: 'b' })
    expect(await phone.conflicts('unsent')).toEqual([])
    // What is issued again competes with what others did meanwhile, as it would have.
    expect(await tablet.conflicts('both')).toHaveLength(1)
    const culprit = (await tablet.status()).devices.find(({ key }) => hex(key) === hex(forked))
    expect(culprit).toMatchObject({ forked: true, isMember: false })
    // What both copies have in common still counts, to the block.
    expect((await phone.get('first'))?.value).toEqual({ by: 'laptop' })
    expect((await phone.writers()).find(({ key }) => hex(key) === hex(forked))?.cutOff?.length).toBe(3)
    // What was written before the restore is where it was first sent, and can be had.
    const { quarantined } = await phone.quarantined(forked)
    expect(quarantined.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, i) => `today/${i}`))

    await restored.put('after', 1)
    await tablet.put('after/2', 2)
    await untilShown('after', 1, phone, tablet)
    await untilShown('after/2', 2, restored)
    await withPhone.destroy()
    expect(keyOf(restored)).toEqual(keyOf(phone))
  })
})

describe('a member that equivocates', () => {
  /** Two members, and a third that has told each of them something else. */
  async function deceived(
    phoneHears: number,
    tabletHears: number
  ): Promise<{ phone: MultiBee; tablet: MultiBee; liar: Uint8Array }> {
    const { laptop: liar, phone } = await laptopAndPhone()
    const tablet = await openReplica(phone, { name: 'tablet' })
    await phone.addWriter(writerKeyOf(tablet), { name: 'tablet' })
    const wire = replicate(phone, tablet)
    await until(() => tablet.writable)
    await untilEqual(phone, tablet)
    await wire.destroy()
    await liar.close()
    const twin = await liar.copy()
    await twin.looksUntouched()
    for (const [device, victim, count] of [
      [liar, phone, phoneHears],
      [twin, tablet, tabletHears]
    ] as const) {
      const db = await device.open(device === twin)
      const wire = replicate(db, victim)
      for (let i = 0; i < count; i++) await db.put(`said/${i}`, { to: victim === phone ? 'phone' : 'tablet' })
      await untilEqual(db, victim)
      await wire.destroy()
      await device.close()
    }
    return { phone, tablet, liar: writerKeyOf(phone) }
  }

  test.each([
    ['more to one than to the other', 5, 3],
    ['as much to one as to the other', 4, 4],
    ['one thing each', 1, 1]
  ])('and says %s is cut where they differ, on both', async (_, phoneHears, tabletHears) => {
    const { phone, tablet } = await deceived(phoneHears, tabletHears)
    await phone.put('own', 1)
    const forks: string[] = []
    tablet.on('forked', ({ name }) => void forks.push(name))
    replicate(phone, tablet)
    await until(async () => (await tablet.writers()).some(({ forked }) => forked))
    await untilEqual(phone, tablet)
    await phone.put('phone', 1)
    await tablet.put('tablet', 2)
    await untilShown('tablet', 2, phone)
    await untilShown('phone', 1, tablet)
    expect(await phone.get('said/0')).toBeNull()
    for (const db of [phone, tablet]) {
      const culprits = (await db.status()).devices.filter(({ forked }) => forked)
      expect(culprits.map(({ name, quarantined }) => [name, quarantined])).toEqual([
        ['laptop', db === phone ? phoneHears : tabletHears]
      ])
    }
    expect(forks).toEqual(['laptop'])
  })
})

describe('an encrypted log', () => {
  /** What the blocks of a log were encrypted with: the same twice would give away the difference of two plaintexts. */
  async function keystreams({ store, db }: DiskDevice, log: Uint8Array): Promise<string[]> {
    const core = store.get({ key: log, encryption: { key: db.encryptionKey as Uint8Array } })
    await core.ready()
    const streams: string[] = []
    for (let i = 0; i < core.length; i++) {
      const cipher = (await core.get(i, { raw: true })) as Uint8Array
      const plain = (await core.get(i)) as Uint8Array
      const padding = cipher.byteLength - plain.byteLength
      streams.push(hex(b4a.from(plain.map((byte, at) => byte ^ (cipher[padding + at] ?? 0)))).slice(0, 32))
    }
    await core.close()
    return streams
  }

  test('never uses a keystream twice, whatever was copied', async () => {
    const { laptop } = await laptopAndPhone()
    await laptop.close()
    const clone = await laptop.copy()
    const logs: [DiskDevice, Uint8Array][] = []
    for (const device of [laptop, clone]) {
      const db = await device.open(device === clone)
      for (let i = 0; i < 5; i++)
        await db.put('secret', { by: device === clone ? 'the clone' : 'the owner', i })
      logs.push([device, writerKeyOf(db)])
    }
    const all = (await Promise.all(logs.map(([device, log]) => keystreams(device, log)))).flat()
    expect(all.length).toBeGreaterThan(10)
    expect(new Set(all).size).toBe(all.length)
    expect(all.every((stream) => stream.length >= 16)).toBe(true)
  })
})

test('a removal takes all logs of a device, and no succession brings it back', async () => {
  const { laptop, phone } = await laptopAndPhone()
  await laptop.close()
  const stolen = await laptop.copy()
  await stolen.open(true)
  const wire = replicate(stolen.db, phone)
  await stolen.db.put('a', 1)
  await untilShown('a', 1, phone)
  await phone.removeWriter(writerKeyOf(stolen.db))
  await until(() => !stolen.db.writable)
  await wire.destroy()
  expect((await phone.writers()).map(({ cutOff }) => cutOff === null)).toEqual([false, true, false])
  await stolen.close()
  const again = await stolen.copy()
  const db = await again.open(true)
  replicate(db, phone)
  expect(db.writable).toBe(false)
  await expectCode(db.put('b', 2), 'MULTI_BEE_NOT_WRITABLE')
  expect(await phone.writers()).toHaveLength(3)
})
