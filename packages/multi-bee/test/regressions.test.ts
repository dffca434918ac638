import { collect, replicate, testnet, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { MultiBee } from '../src/index.ts'
import { openDevice, openReplica, untilShown } from './support/devices.ts'
import { EngineDevice } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'

/** Two devices whose logs reach one another only where a test delivers them. */
async function twoEngines(): Promise<{
  first: MemoryLog
  second: MemoryLog
  a: EngineDevice
  b: EngineDevice
}> {
  const [first, second] = [1, 2].map((byte) => new MemoryLog(b4a.alloc(32, byte))) as [MemoryLog, MemoryLog]
  const originals = new Map([first, second].map((log) => [b4a.toString(log.key, 'hex'), log]))
  const [a, b] = [first, second].map((log) => new EngineDevice(log, first.key, originals, () => 1000)) as [
    EngineDevice,
    EngineDevice
  ]
  for (const device of [a, b]) await device.open()
  return { first, second, a, b }
}

test('an own put that is stored while others are merged stays in the view', async () => {
  const { first, second, a, b } = await twoEngines()
  const put = (device: EngineDevice, text: string, key = 'k'): Promise<void> => {
    const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(text) } }
    return device.engine.submit({
      type: 'write',
      writes: [{ key: b4a.from(key), intent, base: null, compare: null }],
      atomic: false
    })
  }
  await a.engine.submit({ type: 'membership', records: [{ type: 'add', writer: second.key, name: '' }] })
  await put(a, '{"x":0,"y":0}')
  const copy = b.log(b4a.toString(first.key, 'hex'))
  copy.deliver(2)
  await b.engine.flush()
  await b.restart()
  await put(a, '{"x":1,"y":0,"z":1}')
  // The view is flushed (500 ms after a change) while a second own block is being appended, on a slow disk.
  const append = b.own.append.bind(b.own)
  let appends = 0
  b.own.append = async (blocks) => {
    await append(blocks)
    if (++appends === 2) await until(() => !b.view.isDirty)
  }
  const load = b.store.getMany.bind(b.store)
  const writing: Promise<void>[] = []
  b.store.getMany = async (keys) => {
    const found = await load(keys)
    if (writing.length === 0) writing.push(put(b, '{"x":0,"y":2}').then(() => put(b, '1', 'other')))
    return found
  }
  copy.deliver(3)
  const live = await b.shown(['6b'])
  await Promise.all(writing)
  expect(live.entries['6b']).toEqual({ kind: 'document', text: '{"x":1,"y":2,"z":1}' })
  for (const device of [a, b]) await device.engine.close()
})
test('a put that is refused does not take others along', async () => {
  const db = await openDevice()
  const long = 'n'.repeat(4 * 1024 * 1024)
  const wide = (n: number): unknown => ({
    [long]: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`f${i}`, n]))
  })
  await db.put('k', wide(1))
  const settled = await Promise.allSettled([db.put('w', 0), db.put('x', 1), db.put('k', wide(2))])
  expect(settled).toMatchObject([
    { status: 'fulfilled' },
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'MULTI_BEE_TOO_LARGE' } }
  ])
  expect([(await db.get('w'))?.value, (await db.get('x'))?.value]).toEqual([0, 1])
})
test('resolve refuses what no other device would read', async () => {
  const a = await openDevice()
  const big = 'x'.repeat(9 * 1024 * 1024)
  await a.resolve('value', ['a'], big).catch(() => {})
  await a.resolve('path', [big], 1).catch(() => {})
  const b = await openReplica(a)
  replicate(a, b)
  await a.put('end', 1)
  await untilShown('end', 1, b)
  for (const key of ['value', 'path']) expect(await b.get(key)).toEqual(await a.get(key))
})
test('resolve below a pending put of a deep value does not turn the entry into null', async () => {
  const a = await openDevice()
  const deep = (n: number): unknown => Array.from({ length: n }).reduce<unknown>((inner) => ({ a: inner }), 1)
  const names = Array.from({ length: 100 }, () => 'a')
  await Promise.allSettled([a.put('x', 1), a.put('d', deep(101)), a.resolve('d', names, deep(100))])
  expect((await a.get('d'))?.value).not.toBe(null)
})
test('a member whose first block is garbage does not keep others from opening', async () => {
  const store = await tmpStore()
  const a = await openDevice({ store, name: 'a' })
  const evilStore = await tmpStore()
  const evil = evilStore.get({ name: 'evil', encryption: { key: a.encryptionKey } } as never)
  await evil.ready()
  await evil.append(b4a.from('garbage'))
  await a.addWriter(evil.key as Uint8Array, { name: 'evil' })
  const [s1, s2] = [store.replicate(true), evilStore.replicate(false)]
  for (const s of [s1, s2]) s.on('error', () => {})
  s1.pipe(s2).pipe(s1)
  await until(
    async () => (await a.status()).devices[1]?.waiting === 1 || (await a.status()).devices[1]?.applied === 1
  )
  await a.put('k', 1)
  await a.close()
  s1.destroy()
  s2.destroy()
  const again = new MultiBee(store)
  await again.ready()
  expect((await again.get('k'))?.value).toBe(1)
  await again.close()
})

test('a removal that is asked for while blocks are merged takes effect on all of them', async () => {
  for (let round = 0; round < 6; round++) {
    const a = await openDevice({ name: 'a' })
    const b = await openReplica(a)
    await a.addWriter(b.writerKey as Uint8Array)
    const joined = replicate(a, b)
    await until(() => b.writable)
    await joined.destroy()
    for (let i = 0; i < 300; i++) await b.put(`b${i}`, i)
    let removal: Promise<{ cutOff: { length: number } }> | null = null
    a.on('update', () => {
      removal ??= a.removeWriter(b.writerKey as Uint8Array)
    })
    const c = await openReplica(a)
    const wires = [replicate(a, b), replicate(a, c), replicate(b, c)]
    const { cutOff } = await (await until(() => removal !== null && { removal })).removal
    for (const db of [a, c]) {
      await until(async () => {
        const removed = (await db.status()).devices[1]
        return removed?.isMember === false && removed.applied === cutOff.length
      })
    }
    for (const wire of wires) await wire.destroy()
    const keysOf = async (db: MultiBee): Promise<string[]> =>
      (await collect(db.createReadStream())).map(({ key }) => key)
    expect(await keysOf(a)).toEqual(await keysOf(c))
    for (const db of [a, b, c]) await db.close()
  }
})

test('a stream that nobody reads on does not keep the database from closing', async () => {
  const db = await openDevice()
  const batch = db.batch()
  for (let i = 0; i < 3000; i++) await batch.put(`k${i}`, i)
  await batch.flush()
  await db.flush()
  const paused = db.createReadStream()[Symbol.asyncIterator]()
  await paused.next()
  const diff = db.createDiffStream(0)[Symbol.asyncIterator]()
  await diff.next()
  await db.close()
  await expect(
    (async () => {
      while (!(await paused.next()).done);
    })()
  ).rejects.toMatchObject({ code: 'MULTI_BEE_CLOSED' })
})

test('adding a member again and again costs the others nothing that grows', async () => {
  const a = await openDevice()
  const b = await openReplica(a)
  const records = Array.from({ length: 100 }, () => ({
    type: 'add' as const,
    writer: b.writerKey as Uint8Array,
    name: ''
  }))
  const { engine } = await a.database()
  for (let i = 0; i < 20; i++) await engine.submit({ type: 'membership', records })
  expect(engine.state.membership.members[1]?.admissions).toHaveLength(1)
})

test('many removals of one writer cost one look at the logs, not one each', async () => {
  const { first, second, a, b } = await twoEngines()
  await a.engine.submit({ type: 'membership', records: [{ type: 'add', writer: second.key, name: '' }] })
  for (let length = 50; length > 0; length--) {
    const cutOff = { length, fork: 0, treeHash: b4a.alloc(32) }
    await a.engine.submit({ type: 'membership', records: [{ type: 'remove', writer: second.key, cutOff }] })
  }
  const copy = b.log(b4a.toString(first.key, 'hex'))
  let reads = 0
  const read = copy.read.bind(copy)
  copy.read = (start, end) => {
    reads += end - start
    return read(start, end)
  }
  copy.deliver(first.blocks.length)
  b.engine.kick()
  await b.shown([])
  expect(reads).toBeLessThan(first.blocks.length * 8)
  for (const device of [a, b]) await device.engine.close()
})

test('an append that was stored and reported as failed does not shift what comes after', async () => {
  const log = new MemoryLog(b4a.alloc(32, 1))
  const device = new EngineDevice(log, log.key, new Map(), () => 1000)
  await device.open()
  const put = (text: string): Promise<void> => {
    const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(text) } }
    const writes = [{ key: b4a.from('k'), intent, base: null, compare: null }]
    return device.engine.submit({ type: 'write', writes, atomic: false })
  }
  await put('1')
  const append = log.append.bind(log)
  log.append = async (blocks) => {
    await append(blocks)
    throw new Error('late')
  }
  await expect(put('2')).rejects.toMatchObject({ code: 'MULTI_BEE_STORE_FAILED' })
  log.append = append
  await put('3')
  const live = await device.shown(['6b'])
  await device.engine.close()
  device.store.contents = new Map()
  await device.open()
  expect(await device.shown(['6b'])).toEqual(live)
  await device.engine.close()
})

test('a device that was opened by its key alone, and joins later, keeps the key it was given', async () => {
  const network = await testnet()
  const a = await openDevice({ name: 'a' })
  const store = await tmpStore()
  const early = new MultiBee(store, { key: a.key as Uint8Array })
  await early.ready()
  await early.close()
  const swarm = network.createSwarm()
  swarm.on('connection', (connection) => a.replicate(connection))
  const invite = await a.createInvite({ swarm })
  await invite.announced()
  const joined = await MultiBee.join(store, invite.code, { swarm: network.createSwarm(), name: 'b' })
  await joined.put('k', 1)
  await joined.close()
  const again = new MultiBee(store)
  expect((await again.get('k'))?.value).toBe(1)
  expect(again.encryptionKey).toEqual(a.encryptionKey)
  await again.close()
})

test('what a listener throws is not the database’s failure', async () => {
  const db = await openDevice()
  const uncaught: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error))
  try {
    db.once('update', () => {
      throw new Error('the app’s own')
    })
    await db.put('k', 1)
    await until(() => uncaught.length === 1)
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
  expect((await db.status()).failure).toBeNull()
  expect((await db.get('k'))?.value).toBe(1)
})

test('the last device cannot remove itself', async () => {
  const db = await openDevice()
  await expect(db.removeWriter(db.writerKey as Uint8Array)).rejects.toMatchObject({
    code: 'MULTI_BEE_BAD_ARGUMENT'
  })
})
