import { collect, replicate, testCleanup, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import c from 'compact-encoding'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import type { Mirror, MultiBee } from '../src/index.ts'
import { expectCode, failureOf, openDevice, openReplica, writerKeyOf } from './support/devices.ts'

type Bee = Hyperbee<unknown, unknown>

async function openBee(
  store?: Corestore,
  options: object = { keyEncoding: 'utf-8', valueEncoding: 'json' }
): Promise<Bee> {
  const bee: Bee = new Hyperbee((store ?? (await tmpStore())).get({ name: 'mirror' }), options)
  testCleanup().defer('stream', () => bee.close())
  await bee.ready()
  return bee
}

async function contentsOf(source: {
  createReadStream(): AsyncIterable<{ key: unknown; value: unknown }>
}): Promise<unknown[]> {
  return (await collect(source.createReadStream())).map(({ key, value }) => [key, value])
}

async function expectEqual(bee: Bee, db: MultiBee, mirror: Mirror): Promise<void> {
  await mirror.flush()
  const shown = await contentsOf(db)
  expect(await contentsOf(bee)).toEqual(shown)
}

test('the bee has what the database shows, at once and after puts and dels', async () => {
  const db = await openDevice()
  const values = {
    a: { n: 1 },
    b: [1, 'two', null],
    c: 'text',
    d: 0,
    e: {},
    f: null,
    '\u{1f600}': true,
    '': ''
  }
  for (const [key, value] of Object.entries(values)) await db.put(key, value)
  const bee = await openBee()
  const mirror = await db.mirror(bee)
  expect(Object.fromEntries((await contentsOf(bee)) as [string, unknown][])).toEqual(values)
  await db.put('a', { n: 2 })
  await db.put('g', 1)
  await db.del('b')
  await db.put('f', 1)
  await db.put('d', null)
  await expectEqual(bee, db, mirror)
  for (const key of Object.keys(values)) await db.del(key)
  await db.del('g')
  await expectEqual(bee, db, mirror)
  expect(await contentsOf(bee)).toEqual([])
})

test('the bee follows by itself, and tells when it has changed', async () => {
  const db = await openDevice()
  const bee = await openBee()
  const mirror = await db.mirror(bee)
  let updates = 0
  mirror.on('update', () => updates++)
  await db.put('a', 1)
  await until(async () => (await bee.get('a')) !== null)
  await until(() => updates === 1)
  await db.del('a')
  await until(async () => (await bee.get('a')) === null)
})

test('with live: false it follows only when asked', async () => {
  const db = await openDevice()
  const bee = await openBee()
  const mirror = await db.mirror(bee, { live: false })
  const { version } = bee
  await db.put('a', 1)
  await db.flush()
  expect(bee.version).toBe(version)
  await expectEqual(bee, db, mirror)
  expect(await bee.get('a')).not.toBe(null)
})

test('only what has changed is written', async () => {
  const db = await openDevice()
  const batch = db.batch()
  for (let i = 0; i < 100; i++) await batch.put(`k${i}`, i)
  await batch.flush()
  const bee = await openBee()
  const mirror = await db.mirror(bee)
  const { version } = bee
  await db.put('k50', 'new')
  await db.del('k51')
  await mirror.flush()
  expect(bee.version).toBe(version + 2)
  await mirror.flush()
  expect(bee.version).toBe(version + 2)
})

test('more entries than one batch holds are mirrored', async () => {
  const db = await openDevice()
  const batch = db.batch()
  for (let i = 0; i < 4001; i++) await batch.put(`k${String(i).padStart(5, '0')}`, i)
  await batch.flush()
  const bee = await openBee()
  const mirror = await db.mirror(bee)
  await expectEqual(bee, db, mirror)
})

test('it shows what merged from another device', async () => {
  const a = await openDevice()
  const b = await openReplica(a)
  await a.addWriter(writerKeyOf(b))
  await a.put('ada', { name: 'Ada', phone: '1' })
  await a.put('gone', 1)
  const wire = replicate(a, b)
  await until(async () => b.writable && (await b.get('gone')) !== null)
  const bee = await openBee()
  const mirror = await a.mirror(bee)
  await wire.cut()
  await a.put('ada', { name: 'Ada L', phone: '1' })
  await b.put('ada', { name: 'Ada', phone: '2' })
  await b.del('gone')
  wire.heal()
  await until(async () => (await bee.get('gone')) === null)
  expect((await bee.get('ada'))?.value).toEqual({ name: 'Ada L', phone: '2' })
  await expectEqual(bee, a, mirror)
})

test('it takes back what a removed device wrote past its cut-off', async () => {
  const a = await openDevice()
  const b = await openReplica(a)
  await a.addWriter(writerKeyOf(b))
  replicate(a, b)
  await until(() => b.writable)
  await b.put('b', 1)
  await until(async () => (await a.get('b')) !== null)
  const bee = await openBee()
  const mirror = await a.mirror(bee)
  expect(await bee.get('b')).not.toBe(null)
  await a.removeWriter(writerKeyOf(b), { length: 0 })
  await expectEqual(bee, a, mirror)
  expect(await bee.get('b')).toBe(null)
})

test('a new mirror over a bee that is equal writes nothing, also after a restart', async () => {
  const [dir, beeDir] = [await tmpDir(), await tmpDir()]
  let store = await tmpStore({ dir })
  let beeStore = await tmpStore({ dir: beeDir })
  const db = await openDevice({ store })
  for (const [key, value] of Object.entries({ a: 1, b: null, c: { x: 1 } })) await db.put(key, value)
  const bee = await openBee(beeStore)
  const first = await db.mirror(bee)
  const { version } = bee
  await first.close()
  await db.mirror(bee)
  expect(bee.version).toBe(version)
  await db.close()
  await bee.close()
  await store.close()
  await beeStore.close()

  store = await tmpStore({ dir })
  beeStore = await tmpStore({ dir: beeDir })
  const db2 = await openDevice({ store })
  const bee2 = await openBee(beeStore)
  const mirror = await db2.mirror(bee2)
  expect(bee2.version).toBe(version)
  await db2.put('a', 2)
  await db2.del('b')
  await expectEqual(bee2, db2, mirror)
  expect(bee2.version).toBe(version + 2)
})

test('a bee somebody else wrote to becomes equal again', async () => {
  const db = await openDevice()
  for (const key of ['b', 'd', 'f']) await db.put(key, key)
  const bee = await openBee()
  for (const key of ['a', 'b', 'c', 'z']) await bee.put(key, 'foreign')
  await bee.put('d', 'd')
  await bee.put('empty', null)
  const mirror = await db.mirror(bee)
  await expectEqual(bee, db, mirror)
  await bee.put('e', 'foreign')
  await bee.del('f')
  await bee.put('b', null)
  await expectEqual(bee, db, mirror)
})

test('two mirrors of one database are both kept equal', async () => {
  const db = await openDevice()
  const bees = [await openBee(), await openBee()]
  const mirrors = [await db.mirror(bees[0] as Bee), await db.mirror(bees[1] as Bee)]
  await Promise.all(Array.from({ length: 50 }, (_, i) => db.put(`k${i % 7}`, i)))
  for (const [i, bee] of bees.entries()) await expectEqual(bee, db, mirrors[i] as Mirror)
})

test('flushes and writes may come all at once', async () => {
  const db = await openDevice()
  const bee = await openBee()
  const mirror = await db.mirror(bee)
  const work: Promise<unknown>[] = []
  for (let i = 0; i < 50; i++) work.push(db.put(`k${i % 5}`, i), mirror.flush())
  await Promise.all(work)
  await expectEqual(bee, db, mirror)
})

test.each<[string, object, unknown, unknown]>([
  ['binary', { keyEncoding: 'binary', valueEncoding: 'binary' }, b4a.from([0, 255]), b4a.from([255, 0])],
  ['utf-8', { keyEncoding: 'utf-8', valueEncoding: 'utf-8' }, 'key', 'null'],
  ['json', { keyEncoding: 'json', valueEncoding: 'json' }, ['key', 1], { a: 1 }],
  ['a codec', { keyEncoding: c.uint, valueEncoding: c.string }, 7, 'text']
])('with %s keys and values the bee reads with the same encodings', async (_, encodings, key, value) => {
  const db = await openDevice<unknown>(encodings)
  await db.put(key, value)
  const bee = await openBee(undefined, encodings)
  await db.mirror(bee)
  expect((await bee.get(key))?.value).toEqual(value)
  await db.put(key)
  await until(async () => (await bee.get(key))?.value === null)
})

test('a bee that cannot be written is refused, and so is what is no bee', async () => {
  const db = await openDevice()
  const writable = await openBee()
  const core = (await tmpStore()).get({ key: writable.key })
  const readonly = new Hyperbee(core)
  testCleanup().defer('stream', () => readonly.close())
  await expectCode(db.mirror(readonly), 'MULTI_BEE_BAD_ARGUMENT')
  await db.mirror(writable)
  await db.put('a', 1)
  await until(async () => (await writable.get('a')) !== null)
})

test('when the bee fails, flush says so, and a bee that works again catches up', async () => {
  const db = await openDevice()
  const bee = await openBee()
  const mirror = await db.mirror(bee, { live: false })
  const failure = new Error('the disk is full')
  const append = bee.core.append.bind(bee.core)
  bee.core.append = () => Promise.reject(failure)
  await db.put('a', 1)
  expect(await failureOf(mirror.flush())).toBe(failure)
  bee.core.append = append
  await expectEqual(bee, db, mirror)
  expect(await bee.get('a')).not.toBe(null)
})

test('closing the mirror leaves both open, and closing the database closes the mirror', async () => {
  const db = await openDevice()
  const bee = await openBee()
  const first = await db.mirror(bee)
  await first.close()
  await expectCode(first.flush(), 'MULTI_BEE_CLOSED')
  await db.put('a', 1)
  expect(await bee.get('a')).toBe(null)
  const second = await db.mirror(bee)
  expect(await bee.get('a')).not.toBe(null)
  await db.close()
  expect(second.closed).toBe(true)
  await expectCode(second.flush(), 'MULTI_BEE_CLOSED')
  await bee.put('mine', 1)
})
