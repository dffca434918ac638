import { fakeClock, mesh, replicate, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import type { DuplexStream } from 'hypercore'
import { describe, expect, test } from 'vitest'
import type { DeviceStatus, MultiBee, WriterInfo } from '../src/index.ts'
import { expectCode, keyOf, openDevice, openReplica, untilShown, writerKeyOf } from './support/devices.ts'

/** The first device and others, which are writers once they are connected. */
async function openDevices(count: number): Promise<MultiBee[]> {
  const first = await openDevice({ name: 'device 0' })
  const devices = [first]
  for (let i = 1; i < count; i++) {
    const name = `device ${i}`
    const device = await openReplica(first, { name })
    await first.addWriter(writerKeyOf(device), { name })
    devices.push(device)
  }
  return devices
}

async function statusOf(db: MultiBee, of: MultiBee): Promise<DeviceStatus> {
  const { devices } = await db.status()
  const found = devices.find(({ key }) => b4a.equals(key, writerKeyOf(of)))
  if (found === undefined) throw new Error('that device is not known here')
  return found
}

function remoteKeyOf(stream: DuplexStream): Uint8Array {
  const key = (stream as unknown as { noiseStream: { remotePublicKey: Uint8Array } }).noiseStream
    .remotePublicKey
  return key
}

describe('connections', () => {
  test('replicate() carries the database, and nothing else of the store', async () => {
    const [storeA, storeB] = [await tmpStore(), await tmpStore()]
    const a = await openDevice({ store: storeA })
    await a.put('a', 1)
    const other = storeA.get({ name: 'other' })
    await other.append('block')
    const b = await openReplica(a, { store: storeB })
    const copy = storeB.get({ key: other.key })
    await copy.ready()
    replicate(a, b)
    await untilShown('a', 1, b)
    expect(copy.peers).toHaveLength(0)
    expect(copy.length).toBe(0)
  })

  test('replicate() and store.replicate() live on one connection, in either order', async () => {
    for (const databaseFirst of [true, false]) {
      const stores = [await tmpStore(), await tmpStore()] as const
      const a = await openDevice({ store: stores[0] })
      const b = await openReplica(a, { store: stores[1] })
      await a.addWriter(writerKeyOf(b))
      const core = stores[0].get({ name: 'other' })
      await core.append('block')
      const copy = stores[1].get({ key: core.key })
      const both = (
        db: MultiBee,
        store: (typeof stores)[number]
      ): { replicate(isInitiator: boolean): object } => ({
        replicate: (isInitiator) => {
          if (databaseFirst) return store.replicate(db.replicate(isInitiator) as never)
          return db.replicate(store.replicate(isInitiator) as never)
        }
      })
      const wire = replicate(both(a, stores[0]), both(b, stores[1]))
      expect(await copy.get(0)).toEqual(b4a.from('block'))
      await a.put('a', 1)
      await until(() => b.writable)
      await b.put('b', 2)
      await untilShown('a', 1, b)
      await untilShown('b', 2, a)
      expect(wire.failure).toBe(null)
    }
  })

  test('replicate() twice on one connection is as once', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const twice = { replicate: (isInitiator: boolean) => a.replicate(a.replicate(a.replicate(isInitiator))) }
    replicate(twice, b)
    await a.put('a', 1)
    await untilShown('a', 1, b)
  })

  test('two databases of one store share a connection', async () => {
    const stores = [await tmpStore(), await tmpStore()] as const
    const databases: [MultiBee, MultiBee][] = []
    for (const name of ['one', 'two']) {
      const a = await openDevice({ store: stores[0].namespace(name) })
      databases.push([a, await openReplica(a, { store: stores[1].namespace(name) })])
    }
    const side = (i: 0 | 1): { replicate(isInitiator: boolean): object } => ({
      replicate: (isInitiator) =>
        databases.reduce<unknown>(
          (stream, pair) => pair[i].replicate(stream as boolean),
          isInitiator
        ) as object
    })
    replicate(side(0), side(1))
    for (const [i, [a]] of databases.entries()) await a.put('a', i)
    for (const [i, [, b]] of databases.entries()) await untilShown('a', i, b)
  })

  test('a connection that was made before the database is open carries it', async () => {
    const a = await openDevice()
    await a.put('a', 1)
    const { MultiBee } = await import('../src/index.ts')
    const b = new MultiBee(await tmpStore(), { key: keyOf(a), encryptionKey: a.encryptionKey })
    const wire = replicate(a, b)
    await untilShown('a', 1, b)
    await a.addWriter(writerKeyOf(b))
    await until(() => b.writable)
    await b.put('b', 2)
    await untilShown('b', 2, a)
    await wire.destroy()
    await b.close()
  })
})

describe('devices', () => {
  test('one that is opened with the key reads at once, and writes once it is added', async () => {
    const a = await openDevice()
    await a.put('a', 1)
    const b = await openReplica(a)
    replicate(a, b)
    await untilShown('a', 1, b)
    expect(b.writable).toBe(false)
    await expectCode(b.put('b', 1), 'MULTI_BEE_NOT_WRITABLE')
    const writable = new Promise<void>((resolve) => b.once('writable', resolve))
    await a.addWriter(writerKeyOf(b), { name: 'phone' })
    await writable
    expect(b.writable).toBe(true)
    await b.put('b', 2)
    await untilShown('b', 2, a)
    expect((await a.writers()).map(({ name }) => name)).toEqual(['', 'phone'])
    expect(await b.writers()).toEqual(await a.writers())
  })

  test('three in a line get everything through the one in the middle', async () => {
    const [a, b, c] = (await openDevices(3)) as [MultiBee, MultiBee, MultiBee]
    replicate(a, b)
    replicate(b, c)
    await until(() => b.writable && c.writable)
    await Promise.all([a.put('a', 1), b.put('b', 2), c.put('c', 3)])
    for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) await untilShown(key, value, a, b, c)
    await c.put('a', { deep: { field: true } })
    await untilShown('a', { deep: { field: true } }, a)
  })

  test('writers that are added later attach to streams that are open already, in both directions', async () => {
    const a = await openDevice({ name: 'a' })
    const [b, c, d] = [await openReplica(a), await openReplica(a), await openReplica(a)]
    replicate(a, b)
    replicate(b, c)
    replicate(c, d)
    await a.put('a', 1)
    await untilShown('a', 1, b, c, d)
    // Added by one end, its log has to travel to the other; then a member it let in lets in another.
    await a.addWriter(writerKeyOf(d), { name: 'd' })
    await until(() => d.writable)
    await d.put('d', 1)
    await untilShown('d', 1, a, b, c)
    await d.addWriter(writerKeyOf(c), { name: 'c' })
    await until(() => c.writable)
    await c.put('c', 1)
    await untilShown('c', 1, a, b, d)
    await c.addWriter(writerKeyOf(b), { name: 'b' })
    await until(() => b.writable)
    await b.put('b', 1)
    await untilShown('b', 1, a, c, d)
    for (const db of [a, b, c, d]) await until(async () => (await db.writers()).length === 4)
    const names = await Promise.all(
      [a, b, c, d].map(async (db) => (await db.writers()).map(({ name }) => name))
    )
    expect(new Set(names.map(String)).size).toBe(1)
  })

  test('cut apart they go on writing, and become equal again when the line heals', async () => {
    const devices = (await openDevices(3)) as [MultiBee, MultiBee, MultiBee]
    const [a, b, c] = devices
    const network = mesh(devices)
    await a.put('ada', { name: 'Ada', phone: '1', mail: 'x' })
    await untilShown('ada', await a.get('ada').then((entry) => entry?.value), b, c)
    await until(() => b.writable && c.writable)
    await network.partition([a], [b, c])
    await a.put('ada', { name: 'Ada L', phone: '1', mail: 'x' })
    await b.put('ada', { name: 'Ada', phone: '2', mail: 'x' })
    await untilShown('ada', { mail: 'x', name: 'Ada', phone: '2' }, c)
    await c.put('ada', { name: 'Ada', phone: '2' })
    await untilShown('ada', { name: 'Ada', phone: '2' }, b)
    await network.partition([a, b], [c])
    await untilShown('ada', { name: 'Ada L', phone: '2' }, a, b)
    expect((await c.get('ada'))?.value).toEqual({ name: 'Ada', phone: '2' })
    network.heal()
    await untilShown('ada', { name: 'Ada L', phone: '2' }, a, b, c)
  })

  test('a wire that is paused and one that breaks in the middle of a long log lose nothing', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const wire = replicate(a, b)
    await until(() => b.writable)
    wire.pause()
    for (let i = 0; i < 100; i++) await a.put(`k${i}`, i)
    wire.resume()
    await until(async () => (await statusOf(b, a)).applied > 20)
    await wire.cut()
    for (let i = 100; i < 200; i++) await Promise.all([a.put(`k${i}`, i), b.put(`b${i}`, i)])
    wire.heal()
    await untilShown('k199', 199, b)
    await untilShown('b199', 199, a)
    for (let i = 0; i < 200; i++) expect((await b.get(`k${i}`))?.value).toBe(i)
  })

  test('one that starts again goes on where it was', async () => {
    const dir = await tmpDir()
    const a = await openDevice()
    let store = await tmpStore({ dir })
    let b = await openReplica(a, { store })
    await a.addWriter(writerKeyOf(b))
    const wire = replicate(a, b)
    await until(() => b.writable)
    await b.put('b', 1)
    await untilShown('b', 1, a)
    const { writerKey } = b
    await wire.destroy()
    await b.close()
    await store.close()
    await a.put('a', 2)
    store = await tmpStore({ dir })
    b = await openReplica(a, { store })
    expect(b.writerKey).toEqual(writerKey)
    expect(b.writable).toBe(true)
    expect((await b.get('b'))?.value).toBe(1)
    await b.put('b', 3)
    replicate(a, b)
    await untilShown('a', 2, b)
    await untilShown('b', 3, a)
  })
})

describe('events', () => {
  test('update comes after changes from here and from elsewhere are shown', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const shown: unknown[] = []
    b.on('update', () => void b.get('a').then((entry) => shown.push(entry?.value)))
    replicate(a, b)
    await a.put('a', 1)
    await until(() => shown.includes(1))
    await until(() => b.writable)
    await b.put('a', 2)
    await until(() => shown.includes(2))
  })

  test('conflict names the key that another device has left something to resolve in', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const wire = replicate(a, b)
    await until(() => b.writable)
    await a.put('a', { phone: '0', name: 'Ada' })
    await untilShown('a', (await a.get('a'))?.value, b)
    const conflicts: [string, string][] = []
    a.on('conflict', (key) => conflicts.push(['a', key]))
    b.on('conflict', (key) => conflicts.push(['b', key]))
    await wire.cut()
    await a.put('a', { phone: '1', name: 'Ada' })
    await b.put('a', { phone: '2', name: 'Ada' })
    await b.put('quiet', 1)
    wire.heal()
    await until(() => conflicts.length >= 2)
    expect([...conflicts].sort()).toEqual([
      ['a', 'a'],
      ['b', 'a']
    ])
    const [conflict] = await a.conflicts('a')
    expect(conflict).toMatchObject({ path: ['phone'], deleted: false })
    expect(await b.conflicts('a')).toEqual(await a.conflicts('a'))
    const shown = (await a.get('a'))?.value as { phone: string } | undefined
    expect(new Set([conflict?.value, shown?.phone])).toEqual(new Set(['1', '2']))
    await a.resolve('a', ['phone'], '3')
    await until(async () => (await b.conflicts('a')).length === 0)
    expect((await b.get('a'))?.value).toEqual({ name: 'Ada', phone: '3' })
    expect(await a.conflicts('a')).toEqual([])
  })

  test('removed tells every device, the removed one included, which then writes no more', async () => {
    const [a, b, c] = (await openDevices(3)) as [MultiBee, MultiBee, MultiBee]
    replicate(a, b)
    replicate(a, c)
    await until(() => b.writable && c.writable)
    await b.put('b', 1)
    await untilShown('b', 1, a, c)
    const told = new Map<MultiBee, WriterInfo>()
    for (const db of [a, b, c]) db.on('removed', (writer) => told.set(db, writer))
    const { cutOff, quarantined } = await a.removeWriter(writerKeyOf(b))
    await until(() => told.size === 3)
    expect(quarantined).toEqual([])
    for (const { key, name, cutOff: theirs } of told.values())
      expect([key, name, theirs]).toEqual([writerKeyOf(b), 'device 1', cutOff])
    expect(b.writable).toBe(false)
    await expectCode(b.put('b', 2), 'MULTI_BEE_NOT_WRITABLE')
    expect((await c.get('b'))?.value).toBe(1)
    expect((await c.status()).devices.map(({ isMember }) => isMember)).toEqual([true, false, true])
  })

  test('removed tells the device that removes once', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    let told = 0
    a.on('removed', () => told++)
    await a.removeWriter(writerKeyOf(b))
    expect(told).toBe(1)
  })

  test('clock-skew says how far a device is ahead, when that is more than a minute', async () => {
    const [now, ahead] = [fakeClock(1_000_000), fakeClock(1_000_000 + 60_000)]
    const a = await openDevice({ clock: now.now })
    const b = await openReplica(a, { clock: ahead.now })
    await a.addWriter(writerKeyOf(b), { name: 'phone' })
    const skews: [string, number][] = []
    a.on('clock-skew', ({ name }, offsetMs) => skews.push([name, offsetMs]))
    replicate(a, b)
    await until(() => b.writable)
    await b.put('b', 1)
    await untilShown('b', 1, a)
    expect(skews).toEqual([])
    ahead.advance(3_600_000)
    await b.put('b', 2)
    await untilShown('b', 2, a)
    expect(skews).toEqual([['phone', 3_660_000]])
    expect((await statusOf(a, b)).clockSkewMs).toBe(3_660_000)
    expect((await statusOf(b, a)).clockSkewMs).toBe(0)
    // What it wrote stands, and an edit made after seeing it wins all the same.
    await a.put('b', 3)
    await untilShown('b', 3, b)
    expect(skews).toHaveLength(1)
    now.set(ahead.now())
    await b.put('b', 4)
    await untilShown('b', 4, a)
    expect((await statusOf(a, b)).clockSkewMs).toBe(0)
  })
})

describe('status', () => {
  test('says of each device its name, whether it is this one, what is applied, and when it was last seen', async () => {
    const clock = fakeClock(1000)
    const a = await openDevice({ name: 'laptop', clock: clock.now })
    const b = await openReplica(a, { clock: clock.now })
    await a.addWriter(writerKeyOf(b), { name: 'phone' })
    expect(await statusOf(a, b)).toEqual({
      key: writerKeyOf(b),
      name: 'phone',
      isSelf: false,
      isMember: true,
      forked: false,
      previous: null,
      applied: 0,
      known: 0,
      waiting: 0,
      quarantined: 0,
      lastSeen: null,
      clockSkewMs: 0,
      malformed: 0,
      unknownFormat: null
    })
    clock.set(2000)
    replicate(a, b)
    await until(() => b.writable)
    await b.put('b', 1)
    await untilShown('b', 1, a)
    expect(await statusOf(a, b)).toMatchObject({ applied: 1, known: 1, lastSeen: 2000 })
    expect(await statusOf(a, a)).toMatchObject({
      name: 'laptop',
      isSelf: true,
      applied: 2,
      known: 2,
      lastSeen: 1000
    })
    expect(await a.status()).toMatchObject({ version: a.version, failure: null })
  })

  test('known is what a connected peer has, while it is on its way', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const wire = replicate(a, b)
    await until(() => b.writable)
    await a.put('a', 1)
    await until(async () => (await statusOf(b, a)).applied === 3)
    await wire.cut()
    for (let i = 0; i < 5; i++) await a.put('a', i + 2)
    expect(await statusOf(b, a)).toMatchObject({ applied: 3, known: 3 })
    wire.heal()
    await until(async () => (await statusOf(b, a)).known === 8)
    await until(async () => (await statusOf(b, a)).applied === 8)
  })

  test('waiting counts blocks that build on others which are not here yet', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const wire = replicate(a, b)
    await until(() => b.writable)
    // A third device, to which only the log of b comes at first: it knows that b is a member, and not what b had seen.
    const store = await tmpStore()
    const c = await openReplica(a, { store })
    const first = replicate(a, c)
    await until(async () => (await c.writers()).length === 2)
    await first.destroy()
    await a.put('a', 1)
    await untilShown('a', 1, b)
    await b.put('a', 2)
    const copyOfB = await tmpStore()
    const core = copyOfB.get({ key: writerKeyOf(b) })
    await core.ready()
    replicate(b, copyOfB)
    core.download({ start: 0, end: -1 })
    await until(() => core.contiguousLength === 1)
    replicate(copyOfB, c)
    await until(async () => (await statusOf(c, b)).waiting === 1)
    expect(await statusOf(c, b)).toMatchObject({ applied: 0, known: 1, waiting: 1, quarantined: 0 })
    expect(await c.get('a')).toBe(null)
    await wire.cut()
    replicate(a, c)
    await untilShown('a', 2, c)
    expect(await statusOf(c, b)).toMatchObject({ applied: 1, waiting: 0 })
  })

  test('quarantined counts what a removed device wrote past its cut-off, and reissue brings it back', async () => {
    const [a, b, c] = (await openDevices(3)) as [MultiBee, MultiBee, MultiBee]
    replicate(a, b)
    replicate(a, c)
    await until(() => b.writable && c.writable)
    await b.put('kept', 1)
    await untilShown('kept', 1, a, c)
    await b.put('late', 1)
    await b.put('kept', 2)
    await untilShown('kept', 2, a, c)
    const removal = await a.removeWriter(writerKeyOf(b), { length: 1 })
    expect(removal.cutOff).toMatchObject({ length: 1, fork: 0 })
    expect(removal.quarantined.map(({ type, key, value, device }) => [type, key, value, device])).toEqual([
      ['put', 'late', 1, 'device 1'],
      ['put', 'kept', 2, 'device 1']
    ])
    await untilShown('kept', 1, a, b, c)
    for (const db of [a, b, c]) {
      expect(await db.get('late')).toBe(null)
      expect(await statusOf(db, b)).toMatchObject({
        isMember: false,
        applied: 1,
        known: 3,
        waiting: 0,
        quarantined: 2
      })
    }
    await removal.reissue()
    await untilShown('kept', 2, a, b, c)
    await untilShown('late', 1, a, b, c)
  })
})

describe('synced', () => {
  test('with a connection says whether both ends hold the same', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const wire = replicate(a, b)
    await until(() => b.writable)
    await Promise.all([a.put('a', 1), b.put('b', 2)])
    const [ofA, ofB] = wire.streams.map(remoteKeyOf) as [Uint8Array, Uint8Array]
    await until(async () => (await a.synced(ofA)) && (await b.synced({ remotePublicKey: ofB })))
    // It is about what is held; what has just come may still be merged.
    await untilShown('b', 2, a)
    await untilShown('a', 1, b)
    wire.pause()
    await a.put('a', 2)
    expect(await a.synced(ofA)).toBe(false)
    wire.resume()
    await until(() => a.synced(ofA))
    await until(() => b.synced(ofB))
    await untilShown('a', 2, b)
    await wire.cut()
    await expectCode(a.synced(ofA), 'MULTI_BEE_UNKNOWN_WRITER')
  })

  test('with the key of a writer says whether its log shows that it had merged all that is here', async () => {
    const [a, b] = (await openDevices(2)) as [MultiBee, MultiBee]
    const wire = replicate(a, b)
    await until(() => b.writable)
    expect(await a.synced(writerKeyOf(b))).toBe(false)
    await b.put('b', 1)
    await untilShown('b', 1, a)
    expect(await a.synced(writerKeyOf(b))).toBe(true)
    await wire.cut()
    expect(await a.synced(writerKeyOf(b))).toBe(true)
    await a.put('a', 1)
    expect(await a.synced(writerKeyOf(b))).toBe(false)
    await expectCode(a.synced(writerKeyOf(a)), 'MULTI_BEE_UNKNOWN_WRITER')
    await expectCode(a.synced(b4a.alloc(32, 1)), 'MULTI_BEE_UNKNOWN_WRITER')
  })
})
