import b4a from 'b4a'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import Hyperdrive from 'hyperdrive'
import Hypercore, { type DuplexStream } from 'hypercore'
import messages from 'hypercore/messages.js'
import type Protomux from 'protomux'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect, testCleanup, testnet, tmpStore, until } from '@cloudpal/test-kit'
import { Archiver, Seeder, type ObjectStore, type S3ArchiverError, type SeederOptions } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { changeObject } from './changed-objects.ts'

const numbered = (count: number, size = 20): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => b4a.from(`${i} `.padEnd(size, 'x')))

async function archived(blocks: readonly Uint8Array[], options: object = {}) {
  const core = (await tmpStore()).get({ name: 'core', ...options })
  await core.ready()
  await core.append([...blocks])
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [core], writerId: b4a.alloc(16, 1), live: false })
  onTestFinished(() => archiver.close())
  await archiver.flush()
  return { core, store, archiver, key: core.key as Uint8Array }
}

function seed(store: ObjectStore, options: SeederOptions): Seeder {
  const seeder = new Seeder(store, options)
  onTestFinished(() => seeder.close())
  return seeder
}

/** A device that has nothing yet, connected to a seeder by a stream. */
async function peerOf(
  seeder: Seeder,
  key: Uint8Array,
  options: object = {}
): Promise<{ core: Hypercore; store: Corestore }> {
  const store = await tmpStore()
  const core = store.get({ key, ...options })
  await core.ready()
  const theirs = store.replicate(true) as DuplexStream
  const ours = seeder.replicate(false)
  theirs.pipe(ours).pipe(theirs)
  for (const stream of [theirs, ours]) {
    stream.on('error', () => {})
    testCleanup().defer('stream', () => stream.destroy())
  }
  return { core, store }
}

describe('an archived core', () => {
  test('is served to a peer as any other peer would serve it', async () => {
    const { store, key } = await archived(numbered(3000, 300))
    const seeder = seed(store, { keys: [key] })
    const { core } = await peerOf(seeder, key)
    await until(() => core.peers.length > 0)
    await core.update({ wait: true })
    expect(core.length).toBe(3000)
    expect(await core.get(1234)).toEqual(numbered(1235, 300)[1234])
    expect(await core.seek(300 * 77 + 5)).toEqual([77, 5])
    expect(await core.has(2999)).toBe(false)
    await core.download({ start: 0, end: 3000 }).done()
    expect(core.contiguousLength).toBe(3000)
    expect(seeder.stats().requests).toBeLessThan(20)
  })

  test('is served with what is archived later, and across a truncation', async () => {
    const { store, key, core: source, archiver } = await archived(numbered(100))
    const seeder = seed(store, { keys: [key] })
    const { core } = await peerOf(seeder, key)
    await until(() => core.length === 100)
    await source.append(b4a.from('next'))
    await archiver.flush()
    await seeder.update()
    await until(() => core.length === 101)
    expect(await core.get(100)).toEqual(b4a.from('next'))
    await source.truncate(50)
    await source.append(b4a.from('other'))
    await archiver.flush()
    await seeder.update()
    await until(() => core.fork === 1 && core.length === 51)
    expect(await core.get(50)).toEqual(b4a.from('other'))
  })

  test('is served encrypted, and read by who has the key', async () => {
    const encryption = { key: b4a.alloc(32, 9) }
    const { store, key } = await archived(numbered(10), { encryption })
    const seeder = seed(store, { keys: [key] })
    const { core } = await peerOf(seeder, key, { encryption })
    expect(await core.get(7)).toEqual(numbered(8)[7])
  })

  test('comes to several peers, several cores to one, and others do not', async () => {
    const [first, second] = [await archived(numbered(10)), await archived(numbered(20))]
    for (const { name, size } of await collect(second.store.list('')))
      if (!name.startsWith('l/')) await first.store.putIfAbsent(name, b4a.alloc(size))
    const seeder = seed(first.store, { keys: [first.key] })
    const { core, store } = await peerOf(seeder, first.key)
    const other = await peerOf(seeder, first.key)
    expect(await core.get(3)).toEqual(await other.core.get(3))
    const unknown = store.get({ key: second.key })
    await unknown.ready()
    expect(await unknown.update({ wait: false })).toBe(false)
    expect(unknown.length).toBe(0)
  })

  test('that is damaged is served where it is not, and the failure is told', async () => {
    const { store, key } = await archived(numbered(300, 5000))
    const [{ name, size } = { name: '', size: 0 }] = await collect(store.list('s/'))
    await changeObject(store, name, (bytes) => void (bytes[size - 10] = (bytes[size - 10] ?? 0) ^ 1))
    const failures: S3ArchiverError[] = []
    const seeder = seed(store, { keys: [key], onerror: (error) => failures.push(error) })
    const { core } = await peerOf(seeder, key)
    expect(await core.get(0)).toEqual(numbered(1, 5000)[0])
    const session = core.session()
    await session.ready()
    const given = session.get(299).catch(({ code }: { code?: string }) => code)
    await until(() => failures.length > 0)
    await session.close()
    expect([await given, failures]).toMatchObject(['REQUEST_CANCELLED', [{ code: 'S3_ARCHIVER_DAMAGED' }]])
    // Two: after a read that was given up, Hypercore looks at the next one only when there is another.
    expect(await Promise.all([298, 297].map((seq) => core.get(seq)))).toEqual(
      [298, 297].map((seq) => numbered(300, 5000)[seq])
    )
  })

  test('that nobody has archived is an error that is told', async () => {
    const failures: S3ArchiverError[] = []
    const key = b4a.alloc(32, 3)
    const seeder = seed(new MemoryStore(), { keys: [key], onerror: (error) => failures.push(error) })
    await peerOf(seeder, key)
    await until(() => failures.length > 0)
    expect(failures[0]).toMatchObject({ code: 'S3_ARCHIVER_NOT_ARCHIVED' })
  })

  test('is found in a swarm, and a bee on it is read by who knows the key', async () => {
    const core = (await tmpStore()).get({ name: 'core' })
    const bee = new Hyperbee<string, string>(core, {
      keyEncoding: 'utf-8',
      valueEncoding: 'utf-8',
      extension: false
    })
    const batch = bee.batch()
    for (let i = 0; i < 1000; i++) await batch.put(`key-${i}`, `value ${i}`)
    await batch.flush()
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [core], live: false })
    onTestFinished(() => archiver.close())
    await archiver.flush()
    const key = core.key as Uint8Array
    const seeder = seed(store, { keys: [key] })
    const network = await testnet()
    const [ours, theirs] = [network.createSwarm(), network.createSwarm()]
    ours.on('connection', (stream) => void seeder.replicate(stream))
    const corestore = await tmpStore()
    theirs.on('connection', (stream) => void corestore.replicate(stream))
    const read = corestore.get({ key })
    await read.ready()
    const topic = read.discoveryKey as Uint8Array
    await ours.join(topic, { server: true, client: false }).flushed()
    theirs.join(topic, { server: false, client: true })
    await until(() => read.peers.length > 0)
    await read.update({ wait: true })
    const opened = new Hyperbee<string, string>(read, { keyEncoding: 'utf-8', valueEncoding: 'utf-8' })
    expect((await opened.get('key-777'))?.value).toBe('value 777')
  })

  test('and another one make a drive, whose files are read straight from the store', async () => {
    const corestore = await tmpStore()
    const drive = new Hyperdrive(corestore)
    await drive.ready()
    const content = b4a.alloc(300_000, 'some text ')
    await drive.put('/a/file.txt', content)
    await drive.put('/b.txt', b4a.from('small'))
    const blobs = (await drive.getBlobs())?.core as Hypercore
    const store = new MemoryStore()
    const archiver = new Archiver(store, { cores: [drive.core, blobs], live: false })
    onTestFinished(() => archiver.close())
    await archiver.flush()
    const seeder = seed(store, { keys: [drive.key, blobs.key as Uint8Array] })
    const { store: local } = await peerOf(seeder, drive.key)
    const read = new Hyperdrive(local, drive.key)
    await read.ready()
    await until(() => read.core.length === drive.core.length)
    expect(await read.get('/a/file.txt')).toEqual(content)
    expect(await read.get('/b.txt')).toEqual(b4a.from('small'))
    expect(await read.get('/none')).toBeNull()
  })

  test('is not served to who knows its discovery key only', async () => {
    const { store, key } = await archived(numbered(10))
    const seeder = seed(store, { keys: [key] })
    const [theirs, ours] = [Hypercore.createProtocolStream(true), seeder.replicate(false)]
    theirs.pipe(ours as never)
    ours.pipe(theirs)
    for (const stream of [theirs, ours]) {
      stream.on('error', () => {})
      testCleanup().defer('stream', () => stream.destroy())
    }
    await theirs.noiseStream.opened
    const said: object[] = []
    const { wire } = messages
    let isClosed = false
    const channel = (theirs.noiseStream.userData as Protomux).createChannel({
      protocol: 'hypercore/alpha',
      id: Hypercore.discoveryKey(key),
      handshake: wire.handshake,
      onclose: () => (isClosed = true)
    })
    channel?.addMessage({ encoding: wire.sync, onmessage: (state) => said.push(state) })
    channel?.open({ seeks: true, capability: b4a.alloc(32, 1) })
    await until(() => isClosed, {
      message: () => `the end of a channel; ${seeder.stats().requests} requests`
    })
    expect(said).toEqual([])
  })

  test('is not served by a seeder that is closed', async () => {
    const { store, key } = await archived(numbered(10))
    const seeder = new Seeder(store, { keys: [key] })
    const { core } = await peerOf(seeder, key)
    expect(await core.get(3)).toEqual(numbered(4)[3])
    await seeder.close()
    await until(() => core.peers.length === 0)
    expect(() => seeder.replicate(true)).toThrow(expect.objectContaining({ code: 'S3_ARCHIVER_CLOSED' }))
    expect(() => new Seeder(store, { keys: [b4a.alloc(3)] })).toThrow(
      expect.objectContaining({ code: 'S3_ARCHIVER_BAD_ARGUMENT' })
    )
  })
})
