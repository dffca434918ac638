import { replicate, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import { MultiBee } from '../src/index.ts'
import { openDevice, openReplica, untilShown } from './support/devices.ts'
import { EngineDevice } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'

test('an own put that is stored while others are merged stays in the view', async () => {
  const [first, second] = [1, 2].map((byte) => new MemoryLog(b4a.alloc(32, byte))) as [MemoryLog, MemoryLog]
  const originals = new Map([first, second].map((log) => [b4a.toString(log.key, 'hex'), log]))
  const [a, b] = [first, second].map((log) => new EngineDevice(log, first.key, originals, () => 1000)) as [
    EngineDevice,
    EngineDevice
  ]
  for (const device of [a, b]) await device.open()
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
  const long = 'n'.repeat(1024 * 1024)
  const wide = (n: number): unknown => ({
    [long]: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, n]))
  })
  await db.put('k', wide(1))
  const [x, y] = await Promise.allSettled([db.put('w', 0), db.put('x', 1), db.put('k', wide(2))]).then(
    (r) => r
  )
  expect([x?.status, y?.status]).toEqual(['fulfilled', 'fulfilled'])
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
