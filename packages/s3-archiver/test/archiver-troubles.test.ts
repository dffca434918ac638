import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { tmpStore, until } from '@cloudpal/test-kit'
import {
  Archiver,
  restore,
  S3ArchiverError,
  type ListOptions,
  type ObjectInfo,
  type PutOptions
} from '../src/index.ts'
import { planOf } from '../src/archive/core-plan.ts'
import { blindIdOf, commitSeq } from '../src/format/names.ts'
import type { Segment } from '../src/format/segment.ts'
import { headOf, type Head } from '../src/hypercore-adapter.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { Overwriting, Passing } from './bad-stores.ts'
import { ManualClock } from './manual-clock.ts'
import { forge } from './meddling-store.ts'

/** Counts what is put. */
class Counting extends Passing {
  bytes = 0

  override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    this.bytes += bytes.byteLength
    return super.putIfAbsent(name, bytes, options)
  }
}

interface Spoiler {
  putBlock(seq: number, block: Uint8Array): void
  flush(): Promise<void>
}

const QUIET = { live: false, probe: false } as const

test('what is damaged of one core in the archive keeps no other core from being archived', async () => {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const [core, other] = [corestore.get({ name: 'core' }), corestore.get({ name: 'other' })] as [
    Hypercore,
    Hypercore
  ]
  await core.append(numbered(0, 400))
  for (let i = 1; i < 400; i += 4) await core.clear(i, i + 2)
  await other.append(numbered(0, 1))
  const options = { corestore, writerId: WRITER, ...QUIET }
  const before = new Archiver(store, options)
  await before.flush()
  await before.close()
  const { record } = await readHead(store, core.key as Uint8Array)
  const list = record.segments.find(({ kind }) => kind === 'list')
  expect(list).toBeDefined()
  const name = (list as { object: string }).object
  await store.delete(name)
  const archiver = new Archiver(store, options)
  await archiver.ready()
  await core.append(numbered(400, 401))
  await other.append(numbered(1, 2))
  await archiver.flush()
  expect(await archived(store, other.key as Uint8Array)).toEqual(textOf(numbered(0, 2)))
  // What the list named is archived anew, as far as the core can prove it without what was archived.
  const all = textOf(numbered(0, 401)).map((text, i) => (i === 400 || i % 4 === 3 ? text : null))
  expect(await archived(store, core.key as Uint8Array)).toEqual(all)
  await archiver.close()
})

test('what a list names that could not be read is planned anew, and other lists are left alone', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 4))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const { record } = await readHead(store, core.key as Uint8Array)
  const { nodes } = record.segments[0] as Segment
  const list: Segment = { kind: 'list', object: 'x/00/00', missing: 0, start: 0, count: 4, nodes }
  const planned = await Promise.all(
    [true, false].map((isLost) =>
      planOf(core, { ...record, segments: [list] }, headOf(core) as Head, {
        segmentsOf: async () => null,
        isLost: () => isLost,
        treeOf: async () => null
      })
    )
  )
  expect(planned.map((plan) => plan && [plan.kept, plan.wanted])).toEqual([[[], [[0, 4]]], null])
})

test('cores that are written and closed at once are archived by a live archiver', async () => {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const archiver = new Archiver(store, { corestore, writerId: WRITER, debounceMs: 1, probe: false })
  const failures: string[] = []
  archiver.on('failure', ({ error }) => failures.push(`${error.message} ${String(error.cause)}`))
  await archiver.ready()
  const keys: Uint8Array[] = []
  for (let i = 0; i < 60; i++) {
    const core = corestore.get({ name: `${i}` })
    const appended = core.append(numbered(0, 3))
    await appended
    keys.push(core.key as Uint8Array)
    if (i % 2 === 0) void core.close()
    else await core.close()
  }
  const flushed = await archiver.flushed().then(
    () => 'ok',
    (error: Error) => error.message
  )
  const lengths = new Set<number>()
  for (const key of keys)
    lengths.add(
      await readHead(store, key).then(
        ({ record }) => record.length,
        () => -1
      )
    )
  expect({ flushed, failures, lengths: [...lengths] }).toEqual({ flushed: 'ok', failures: [], lengths: [3] })
  await archiver.close()
})

test('a core whose record in the archive is not readable is told of, and keeps no other from being archived', async () => {
  const store = new MemoryStore()
  const [spoilt, other] = [await openCore('spoilt'), await openCore('other')]
  for (const core of [spoilt, other]) await core.append(numbered(0, 3))
  const cores = [spoilt, other]
  const first = new Archiver(store, { cores, writerId: WRITER, ...QUIET })
  await first.flush()
  await first.close()
  const key = spoilt.key as Uint8Array
  await forge(store, (commit) => ({
    ...commit,
    entries: commit.entries.map((entry) =>
      b4a.equals(entry.blindId, blindIdOf(key)) ? { ...entry, sealed: b4a.alloc(100) } : entry
    )
  }))
  for (const core of cores) await core.append(numbered(3, 4))
  const archiver = new Archiver(store, { cores, writerId: WRITER, ...QUIET })
  const told: unknown[] = []
  archiver.on('failure', (failure) => told.push([failure.key, (failure.error as S3ArchiverError).code]))
  await expect(archiver.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
  expect(told).toEqual([[key, 'S3_ARCHIVER_DAMAGED']])
  expect(await archived(store, other.key as Uint8Array)).toEqual(textOf(numbered(0, 4)))
  await archiver.close()
})

test('a core that a disk has spoilt is not uploaded with each write of another, and archived once it is repaired', async () => {
  const store = new Counting(new MemoryStore())
  const [good, bad] = [await openCore('good'), await openCore('bad')]
  const blocks = Array.from({ length: 10 }, () => crypto.randomBytes(100_000))
  await bad.append(blocks)
  const { storage } = (bad.core as { state: { storage: { write(): Spoiler } } }).state
  const put = async (block: Uint8Array): Promise<void> => {
    const tx = storage.write()
    tx.putBlock(1, block)
    await tx.flush()
  }
  await put(b4a.from('spoilt'))
  const clock = new ManualClock()
  const archiver = new Archiver(store, { cores: [bad, good], writerId: WRITER, clock, ...QUIET })
  const refused = { code: 'S3_ARCHIVER_LOCAL_DAMAGED' }
  for (let i = 0; i < 6; i++) {
    await good.append(numbered(i, i + 1))
    await expect(archiver.flush()).rejects.toMatchObject(refused)
  }
  expect(await archived(store, good.key as Uint8Array)).toEqual(textOf(numbered(0, 6)))
  expect(Math.round(store.bytes / 1e6)).toBe(1)
  await put(blocks[1] as Uint8Array)
  await expect(archiver.flush()).rejects.toMatchObject(refused)
  clock.advance(60_000)
  await archiver.flush()
  expect((await readHead(store, bad.key as Uint8Array)).record.length).toBe(10)
  await archiver.close()
})

test('blocks of a fork that the archive is ahead of are not silently left out', async () => {
  const store = new MemoryStore()
  const here = await tmpStore()
  const core = here.get({ name: 'core' })
  await core.append(numbered(0, 3))
  const key = core.key as Uint8Array
  const first = new Archiver(store, { corestore: here, ...QUIET })
  await first.flush()
  await first.close()
  // It is restored elsewhere to be written, and then the old device goes on after all.
  const there = await tmpStore()
  const { keyPair } = core as unknown as { keyPair: { publicKey: Uint8Array; secretKey: Uint8Array } }
  await restore(store, { corestore: there, key, writable: { keyPair } })
  await core.append(numbered(3, 6))
  const again = new Archiver(store, { corestore: here, takeOver: true, ...QUIET })
  const told: unknown[] = []
  again.on('failure', ({ key: failed }) => told.push(failed))
  await expect(again.flushed()).rejects.toMatchObject({ code: 'S3_ARCHIVER_LOCAL_FAILED' })
  expect(told).toEqual([key])
  expect((await readHead(store, key)).record.length).toBe(3)
  await again.close()
  // Others do not wait until that one is tried again.
  const clock = new ManualClock()
  const live = new Archiver(store, { corestore: here, takeOver: true, probe: false, clock })
  const failed = new Promise<unknown>((resolve) =>
    live.on('failure', ({ key: one, retryInMs }) => one === null && resolve(retryInMs))
  )
  await live.ready()
  clock.advance(1000)
  await failed
  clock.advance(1000)
  const other = here.get({ name: 'other' })
  await other.append(numbered(0, 1))
  await until(() => clock.nextMs !== null && clock.nextMs <= 1000)
  await live.close()
})

test('a store that overwrites is refused also when an archive has come to lie there', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 1))
  const before = new Archiver(store, { cores: [core], writerId: WRITER, live: false })
  await before.flush()
  await before.close()
  // As after a copy of the bucket to another provider.
  const archiver = new Archiver(new Overwriting(store), { cores: [core], writerId: WRITER, live: false })
  await expect(archiver.ready()).rejects.toMatchObject({ code: 'S3_ARCHIVER_STORE_NO_CONDITIONS' })
})

test('a slow link comes to an end', async () => {
  const clock = new ManualClock()
  let puts = 0
  class Slow extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (name.startsWith('s/')) {
        // 8 MiB an hour are 2.3 KB a second.
        clock.advance(60 * 60 * 1000)
        if (++puts > 40) throw new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'uploaded again and again')
      }
      return super.putIfAbsent(name, bytes, options)
    }
  }
  const store = new Slow(new MemoryStore({ now: () => clock.now() }))
  const core = await openCore()
  const block = crypto.randomBytes(8 * 1024 * 1024)
  for (let i = 0; i < 17; i++) await core.append(block)
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock, ...QUIET })
  await archiver.flush()
  expect(puts).toBeLessThan(20)
  await archiver.close()
})

test('a commit whose answer was lost is told of once it is known', async () => {
  const clock = new ManualClock()
  let lost = 0
  class Losing extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      const made = await super.putIfAbsent(name, bytes, options)
      if (commitSeq(name) === null || lost === 0) return made
      lost--
      throw new S3ArchiverError('S3_ARCHIVER_STORE_TIMEOUT', 'no answer', {
        retryable: true,
        ambiguous: true
      })
    }
  }
  const store = new Losing(new MemoryStore())
  const core = await openCore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock, ...QUIET })
  await archiver.ready()
  const told: number[] = []
  archiver.on('archived', ({ blocks }) => told.push(blocks))
  await core.append(numbered(0, 3))
  lost = 5
  await expect(archiver.flush()).rejects.toThrow('no answer')
  const flushed = await archiver.flush()
  expect({ told, blocks: flushed?.blocks }).toEqual({ told: [3], blocks: 3 })
  await archiver.close()
})

/** Refuses what it is told to. */
class Throttling extends Passing {
  puts = 0
  lists = 0

  override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    if (this.puts > 0 && this.puts-- > 0) throw slowDown()
    return super.putIfAbsent(name, bytes, options)
  }

  override async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    if (this.lists > 0 && this.lists-- > 0) throw slowDown()
    yield* this.inner.list(prefix, options)
  }
}

function slowDown(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_THROTTLED', 'slow down', { retryable: true })
}

test('an archiver that is started while the store is away begins once that is back', async () => {
  const store = new Throttling(new MemoryStore())
  store.lists = 1
  const core = await openCore()
  await core.append(numbered(0, 1))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  expect(
    await archiver.flushed().then(
      () => 'ok',
      (error: S3ArchiverError) => error.code
    )
  ).toBe('ok')
  await archiver.close()
})

test('a core that is truncated while it is read unopened is archived, and nothing is called damaged', async () => {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const core = corestore.get({ name: 'core' })
  await core.append(Array.from({ length: 300 }, () => crypto.randomBytes(100_000)))
  const key = core.key as Uint8Array
  await core.close()
  let isFirst = true
  class Meddling extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (name.startsWith('s/') && isFirst) {
        isFirst = false
        const open = corestore.get({ key })
        await open.ready()
        await open.truncate(250)
        await open.append(Array.from({ length: 60 }, () => crypto.randomBytes(1000)))
        await open.close()
      }
      return super.putIfAbsent(name, bytes, options)
    }
  }
  const archiver = new Archiver(new Meddling(store), { corestore, writerId: WRITER, ...QUIET })
  const outcome = await archiver.flushed().then(
    () => 'ok',
    (error: Error) => error.message
  )
  expect(outcome).toBe('ok')
  expect((await readHead(store, key)).record).toMatchObject({ fork: 1, length: 310 })
  await archiver.close()
})

test('a core that its user closes in the middle of a flush is archived', async () => {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const core = corestore.get({ name: 'core' })
  await core.append(Array.from({ length: 300 }, () => crypto.randomBytes(100_000)))
  const key = core.key as Uint8Array
  let isFirst = true
  class Closing extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (name.startsWith('s/') && isFirst) {
        isFirst = false
        await core.close()
      }
      return super.putIfAbsent(name, bytes, options)
    }
  }
  const archiver = new Archiver(new Closing(store), { corestore, writerId: WRITER, ...QUIET })
  const outcome = await archiver.flushed().then(
    () => 'ok',
    (error: Error) => `${error.message} ${String(error.cause)}`
  )
  expect(outcome).toBe('ok')
  expect((await readHead(store, key)).record).toMatchObject({ length: 300 })
  await archiver.close()
})

test('a fenced archiver tells of it once', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore()
  const core = await openCore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock, probe: false })
  const told: string[] = []
  archiver.on('fenced', () => told.push('fenced'))
  archiver.on('failure', ({ error }) => told.push((error as S3ArchiverError).code))
  await archiver.ready()
  const other = new Archiver(store, { cores: [], takeOver: true, ...QUIET })
  await other.ready()
  clock.advance(1000)
  await core.append(numbered(0, 1))
  await expect(archiver.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
  for (let i = 1; i < 4; i++) {
    await core.append(numbered(i, i + 1))
    expect(clock.nextMs).toBeNull()
    await expect(archiver.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
  }
  expect(told).toEqual(['fenced'])
  await archiver.close()
  await other.close()
})
