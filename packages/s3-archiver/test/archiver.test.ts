import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { describe, expect, test } from 'vitest'
import { tmpStore, until } from '@cloudpal/test-kit'
import { Archiver, type ArchiverOptions, type Flushed } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { FaultyStore } from './faulty-store.ts'
import { ManualClock } from './manual-clock.ts'

interface Live {
  core: Hypercore
  key: Uint8Array
  store: FaultyStore
  clock: ManualClock
  archiver: Archiver
  told: Flushed[]
}

async function live(options: Partial<ArchiverOptions> = {}): Promise<Live> {
  const core = await openCore()
  const store = new FaultyStore(new MemoryStore())
  const clock = new ManualClock()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, probe: false, clock, ...options })
  const told: Flushed[] = []
  archiver.on('archived', (flushed) => told.push(flushed))
  await archiver.ready()
  return { core, key: core.key as Uint8Array, store, clock, archiver, told }
}

describe('an archiver that is live', () => {
  test('archives a second after the first write, however many follow', async () => {
    const { core, key, store, clock, archiver, told } = await live()
    // What it looked at when it was opened.
    clock.advance(1000)
    await archiver.flushed()
    await core.append(numbered(0, 1))
    expect(clock.nextMs).toBe(1000)
    clock.advance(900)
    await core.append(numbered(1, 3))
    expect(clock.nextMs).toBe(100)
    clock.advance(100)
    await until(() => told.length === 1)
    expect(told).toMatchObject([{ cores: 1, blocks: 3 }])
    expect(clock.nextMs).toBeNull()
    await core.truncate(1)
    clock.advance(1000)
    await until(() => told.length === 2)
    expect(await archived(store, key)).toEqual(textOf(numbered(0, 1)))
    await archiver.close()
    await core.append(numbered(0, 1))
    expect(clock.nextMs).toBeNull()
  })

  test('tries again when the store is away, later each time, and then has everything', async () => {
    const { core, key, store, clock, archiver, told } = await live()
    const retries: (number | null)[] = []
    archiver.on('failure', ({ error, retryInMs }) => {
      expect(error).toMatchObject({ code: 'S3_ARCHIVER_STORE_THROTTLED' })
      retries.push(retryInMs)
    })
    await core.append(numbered(0, 5))
    store.fates = ['refused', 'refused', 'refused']
    for (const [i, ms] of [1000, 1000, 2000, 4000].entries()) {
      expect(clock.nextMs).toBe(ms)
      clock.advance(ms)
      await until(() => retries.length === i + 1 || told.length === 1)
    }
    expect(retries).toEqual([1000, 2000, 4000])
    expect(await archived(store, key)).toEqual(textOf(numbered(0, 5)))
    await archiver.close()
  })

  test('stops for good when another takes over, and says so', async () => {
    const { core, store, clock, archiver } = await live()
    const other = new Archiver(store, { cores: [core], takeOver: true, live: false, probe: false })
    await other.ready()
    const fenced: unknown[] = []
    archiver.on('fenced', (error) => fenced.push(error))
    const failures: unknown[] = []
    archiver.on('failure', ({ retryInMs }) => failures.push(retryInMs))
    await core.append(numbered(0, 5))
    clock.advance(1000)
    await until(() => failures.length === 1)
    expect([fenced.length, failures]).toEqual([1, [null]])
    await expect(archiver.flushed()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
    expect(clock.nextMs).toBeNull()
    expect(await other.flush()).toMatchObject({ blocks: 5 })
    await Promise.all([archiver.close(), other.close()])
  })

  test('follows a Corestore: cores that are there, and those that come', async () => {
    const corestore = await tmpStore()
    const first = corestore.get({ name: 'first' })
    await first.append(numbered(0, 2))
    await first.close()
    const store = new MemoryStore()
    const clock = new ManualClock()
    const archiver = new Archiver(store, { corestore, probe: false, clock })
    const told: Flushed[] = []
    archiver.on('archived', (flushed) => told.push(flushed))
    await archiver.ready()
    clock.advance(1000)
    await until(() => told.length === 1)
    const second = corestore.get({ name: 'second' })
    await second.ready()
    await second.append(numbered(2, 4))
    await until(() => clock.nextMs !== null)
    clock.advance(1000)
    await until(() => told.length === 2)
    expect(await archived(store, first.key as Uint8Array)).toEqual(textOf(numbered(0, 2)))
    expect(await archived(store, second.key as Uint8Array)).toEqual(textOf(numbered(2, 4)))
    await archiver.close()
    // It goes on without being told who it is.
    const again = new Archiver(store, { corestore, live: false, probe: false })
    expect(await again.flush()).toBeNull()
    await again.close()
  })
})

test('a core that is closed by others is let go, and archived all the same', async () => {
  const corestore = await tmpStore()
  const archiver = new Archiver(new MemoryStore(), { corestore, live: false, probe: false })
  await archiver.ready()
  const core = corestore.get({ name: 'core' })
  await core.append(numbered(0, 3))
  const { core: inner } = core as unknown as { core: { closed: boolean; close(): Promise<void> } }
  await core.close()
  await inner.close()
  expect(inner.closed).toBe(true)
  expect(await archiver.flush()).toMatchObject({ blocks: 3 })
  await archiver.close()
})

test('what is paused uploads nothing, and goes on where it was', async () => {
  const { core, key, store, archiver } = await live({ live: false })
  await core.append(numbered(0, 5))
  archiver.pause()
  expect(archiver.paused).toBe(true)
  store.calls = 0
  const flushed = archiver.flushed()
  await core.append(numbered(5, 6))
  expect(store.calls).toBe(0)
  archiver.resume()
  await flushed
  await archiver.flushed()
  expect((await archived(store, key)).length).toBe(6)
  await archiver.close()
})

test('uploads keep to a pace', async () => {
  const MIB = 1024 * 1024
  const { core, store, clock, archiver } = await live({ live: false, bytesPerSecond: MIB })
  for (let i = 0; i < 40; i++) await core.append(b4a.alloc(MIB, i))
  const startMs = clock.now()
  let uploaded = { objects: 0, bytes: 0 }
  archiver.on('progress', (progress) => (uploaded = progress))
  let isDone = false
  const flushed = archiver.flushed().then(() => (isDone = true))
  await until(() => {
    if (clock.nextMs !== null) clock.advance(clock.nextMs)
    return isDone
  })
  await flushed
  let bytes = 0
  for await (const { size } of store.list('s/')) bytes += size
  expect(uploaded).toEqual({ objects: 5, bytes })
  // What goes last need not be waited for.
  expect(clock.now() - startMs).toBeGreaterThanOrEqual((1000 * (bytes - 8.1 * MIB)) / MIB)
  await archiver.close()
})

test('closing ends what is under way, and so does a signal', async () => {
  for (const end of ['close', 'signal'] as const) {
    const abort = new AbortController()
    const { core, archiver } = await live({ live: false, signal: abort.signal })
    await core.append(numbered(0, 5))
    archiver.pause()
    const flushed = archiver.flushed()
    const refused = flushed.catch((error: unknown) => error)
    if (end === 'close') await archiver.close()
    else abort.abort()
    expect(await refused).toMatchObject({ code: 'S3_ARCHIVER_ABORTED' })
    await until(() => archiver.closed)
  }
})

test('what a disk has spoilt is not archived, and keeps no other core from being', async () => {
  const [good, bad] = [await openCore('good'), await openCore('bad')]
  await good.append(numbered(0, 3))
  await bad.append(numbered(0, 3))
  const { storage } = (bad.core as { state: { storage: { write(): Spoiler } } }).state
  const tx = storage.write()
  tx.putBlock(1, b4a.from('spoilt'))
  await tx.flush()
  const store = new MemoryStore()
  const archiver = new Archiver(store, { cores: [bad, good], writerId: WRITER, live: false, probe: false })
  const failures: unknown[] = []
  archiver.on('failure', ({ key }) => failures.push(key))
  await expect(archiver.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_LOCAL_DAMAGED' })
  expect(failures).toEqual([bad.key])
  expect(await archived(store, good.key as Uint8Array)).toEqual(textOf(numbered(0, 3)))
  await expect(archived(store, bad.key as Uint8Array)).rejects.toMatchObject({
    code: 'S3_ARCHIVER_NOT_ARCHIVED'
  })
  await archiver.close()
})

test('a store that overwrites is refused before anything is written', async () => {
  const core = await openCore()
  const { Overwriting } = await import('./bad-stores.ts')
  const archiver = new Archiver(new Overwriting(new MemoryStore()), { cores: [core] })
  await expect(archiver.ready()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_NO_CONDITIONS' })
})

test('a replica that is behind the archive takes nothing from it', async () => {
  const core = await openCore()
  await core.append(numbered(0, 10))
  const replica = (await tmpStore()).get({ key: core.key })
  await replica.ready()
  const streams = [core.replicate(true), replica.replicate(false)] as const
  streams[0].pipe(streams[1]).pipe(streams[0])
  await replica.update({ wait: true })
  await replica.download({ start: 0, end: 10 }).done()
  for (const stream of streams) stream.destroy()
  await core.append(numbered(10, 20))
  const store = new MemoryStore()
  const options = { writerId: WRITER, live: false, probe: false }
  await new Archiver(store, { cores: [core], ...options }).flush()
  expect(await new Archiver(store, { cores: [replica], ...options }).flush()).toBeNull()
  expect((await archived(store, core.key as Uint8Array)).length).toBe(20)
})

test.each([
  {},
  { cores: 1 },
  { cores: [], writerId: b4a.alloc(3) },
  { cores: [], bytesPerSecond: 0 },
  { cores: [], debounceMs: -1 }
])('options that make no sense are refused: %j', (options) => {
  expect(() => new Archiver(new MemoryStore(), options as ArchiverOptions)).toThrow(
    'S3_ARCHIVER_BAD_ARGUMENT'
  )
})

interface Spoiler {
  putBlock(seq: number, block: Uint8Array): void
  flush(): Promise<void>
}
