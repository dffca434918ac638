import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test, vi } from 'vitest'
import { collect, tmpDir, tmpStore } from '@cloudpal/test-kit'
import {
  Archiver,
  compact,
  moments,
  prune,
  restore,
  S3ArchiverError,
  verify,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions
} from '../src/index.ts'
import { run } from '../src/cli/program.ts'
import { CoreWriter } from '../src/core-writer.ts'
import { commitSeq, contentName } from '../src/format/names.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { newestCommit } from '../src/read/commits.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, WRITER } from './archived.ts'
import { Overwriting, Passing } from './bad-stores.ts'
import { ManualClock } from './manual-clock.ts'

const DAY = 24 * 60 * 60 * 1000
const QUIET = { live: false, probe: false } as const

test('an entry that is repeated, and then carried, is not lost when the commit that it was made for was pruned', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const corestore = await tmpStore()
  const cores = Array.from({ length: 22 }, (_, i) => corestore.get({ name: `${i}` })) as Hypercore[]
  await Promise.all(cores.map((core) => core.ready()))
  const [first] = cores as [Hypercore]
  const archiver = new Archiver(store, { corestore, writerId: WRITER, clock, ...QUIET })
  // More than a tail holds: so it lies in a shard, and nothing but the entry is in that commit.
  await first.append([crypto.randomBytes(70_000), crypto.randomBytes(70_000)])
  await archiver.flush()
  clock.advance(DAY)
  await (cores[1] as Hypercore).append(numbered(0, 1))
  await archiver.flush()
  clock.advance(2 * DAY)
  await prune(store, { keep: { last: 1 } })
  expect(await verify(store, { keys: [first.key as Uint8Array] })).toMatchObject({ ok: true })
  // Now many others change at once, and there is no room to repeat the entry.
  for (const core of cores.slice(2)) await core.append(numbered(0, 1))
  await archiver.flush()
  expect((await archived(store, first.key as Uint8Array)).length).toBe(2)
  await archiver.close()
}, 30_000)

/** Calls back before a put of a commit. */
class BeforeCommit extends Passing {
  before: () => Promise<void> = async () => {}

  override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    const made = await super.putIfAbsent(name, bytes, options)
    if (name.startsWith('s/')) await this.before()
    return made
  }
}

test('what was compacted, and lay there for days before it was committed, is not named', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 21) })
  try {
    const inner = new MemoryStore({ now: () => Date.now() })
    const store = new BeforeCommit(inner)
    const core = await openCore()
    const key = core.key as Uint8Array
    const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
    for (let i = 0; i < 4; i++) {
      await core.append([crypto.randomBytes(70_000)])
      await archiver.flush()
    }
    await archiver.close()
    vi.setSystemTime(Date.now() + 2 * DAY)
    const blocks = await archived(store, key)
    // The machine sleeps; another one prunes.
    store.before = async () => {
      store.before = async () => {}
      vi.setSystemTime(Date.now() + 2 * DAY)
      await prune(inner, { keep: { last: 1 } })
    }
    await compact(store, { keys: [key], writerId: WRITER }).catch(() => {})
    expect(await archived(store, key)).toEqual(blocks)
  } finally {
    vi.useRealTimers()
  }
}, 30_000)

test('an archiver whose clock stood still while it was frozen is fenced, though its place was pruned', async () => {
  const [clock, frozen] = [new ManualClock(), new ManualClock()]
  const store = new MemoryStore({ now: () => clock.now() })
  const core = await openCore()
  const key = core.key as Uint8Array
  const paused = new Archiver(store, { cores: [core], writerId: WRITER, clock: frozen, ...QUIET })
  await core.append(numbered(0, 1))
  await paused.flush()
  // The virtual machine is paused here; its clock goes on from here when it is resumed.
  const other = await openCore('other')
  const next = new Archiver(store, { cores: [other], takeOver: true, clock, ...QUIET })
  for (let i = 0; i < 3; i++) {
    await other.append(numbered(i, i + 1))
    await next.flush()
  }
  clock.advance(3 * DAY)
  await prune(store, { keep: { last: 1 } })
  await core.append(numbered(1, 2))
  const outcome = await paused.flushed().then(
    () => 'flushed',
    (error: S3ArchiverError) => error.code
  )
  const length = (await readHead(store, key)).record.length
  expect({ outcome, length }).not.toEqual({ outcome: 'flushed', length: 1 })
  await paused.close()
  await next.close()
}, 30_000)

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

test('an archiver does not fence itself when the store asks it to slow down', async () => {
  const clock = new ManualClock()
  const store = new Throttling(new MemoryStore({ now: () => clock.now() }))
  const core = await openCore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock, ...QUIET })
  await core.append(numbered(0, 1))
  await archiver.flush()
  clock.advance(5 * 60_000)
  await core.append(numbered(1, 2))
  store.lists = 1
  await expect(archiver.flush()).rejects.toThrow('slow down')
  store.puts = 1
  await expect(archiver.flush()).rejects.toThrow('slow down')
  await archiver.flush()
  expect((await readHead(store, core.key as Uint8Array)).record.length).toBe(2)
  await archiver.close()
}, 30_000)

test('a put that was stalled into a pruned place keeps no prune from working', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const stalled: (() => Promise<unknown>)[] = []
  let isStalling = false
  class Stalling extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (!isStalling || commitSeq(name) === null) return super.putIfAbsent(name, bytes, options)
      stalled.push(() => store.putIfAbsent(name, bytes))
      throw new S3ArchiverError('S3_ARCHIVER_STORE_TIMEOUT', 'no answer', {
        retryable: true,
        ambiguous: true
      })
    }
  }
  const core = await openCore()
  const [a, b] = [new Stalling(store), store] as [ObjectStore, ObjectStore]
  const first = new Archiver(a, { cores: [core], writerId: WRITER, clock, ...QUIET })
  await core.append([crypto.randomBytes(70_000)])
  await first.flush()
  await core.append([crypto.randomBytes(70_000)])
  isStalling = true
  await first.flush().catch(() => {})
  await first.close()
  const other = await openCore('other')
  const next = new Archiver(b, { cores: [core, other], takeOver: true, clock, ...QUIET })
  for (let i = 0; i < 30; i++) {
    await other.append([crypto.randomBytes(70_000)])
    await core.append([crypto.randomBytes(70_000)])
    await next.flush()
  }
  clock.advance(3 * DAY)
  await prune(store, { keep: { last: 1 }, keepLines: false })
  const before = (await collect(store.list('l/'))).length
  for (const put of stalled) await put()
  await prune(store, { keep: { last: 1 } })
  // And it is no moment to be restored: it never was one.
  const after = (await collect(store.list('l/'))).length
  const { seq } = (await newestCommit(store))?.commit ?? { seq: 0 }
  const into = await tmpStore()
  const restored = await restore(store, {
    corestore: into,
    key: core.key as Uint8Array,
    at: { seq: seq - 5 }
  }).then(
    () => 'a state that never was archived',
    (error: S3ArchiverError) => error.code
  )
  expect({ restored, moments: after }).toEqual({ restored: 'S3_ARCHIVER_NOT_ARCHIVED', moments: before })
  await next.close()
}, 30_000)

test('what a restore that was ended has left is not in one without blocks', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const key = core.key as Uint8Array
  await core.append(Array.from({ length: 64 }, () => crypto.randomBytes(60_000)))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const corestore = await tmpStore()
  // All blocks of the one segment but a few are written when the disk fails.
  const writer = await import('../src/core-writer.ts')
  const write = writer.CoreWriter.prototype.write
  let pieces = 0
  writer.CoreWriter.prototype.write = async function (...args) {
    if (pieces++ === 3) throw new Error('the disk is full')
    return write.apply(this, args)
  }
  try {
    await expect(restore(store, { corestore, key })).rejects.toThrow('the disk is full')
  } finally {
    writer.CoreWriter.prototype.write = write
  }
  const report = await restore(store, { corestore, key, blocks: 'none' })
  const restored = corestore.get({ key })
  await restored.ready()
  const held: number[] = []
  for (let seq = 0; seq < restored.length; seq++) if (await restored.has(seq)) held.push(seq)
  const proven: unknown[] = []
  for (const index of held)
    proven.push(
      await restored.proof({ block: { index, nodes: 0 } }).then(
        () => 'ok',
        (e: Error) => e.message
      )
    )
  expect({ blocks: report.blocks, held: held.length, proven }).toEqual({ blocks: 0, held: 0, proven: [] })
}, 30_000)

test('a restore with nothing in parallel is refused, and does not wait for ever', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 3))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const corestore = await tmpStore()
  const restoring = restore(store, { corestore, key: core.key as Uint8Array, parallel: 0 }).then(
    () => 'restored',
    (error: S3ArchiverError) => error.code
  )
  const late = new Promise((resolve) => setTimeout(() => resolve('waits'), 2000))
  expect(await Promise.race([restoring, late])).toBe('S3_ARCHIVER_BAD_ARGUMENT')
}, 30_000)

test('a time that `moments` tells leads to that moment, in a store whose times are whole seconds', async () => {
  let nowMs = 1_700_000_000_600
  // As Amazon's: `LastModified` has no fractions.
  const store = new MemoryStore({ now: () => Math.floor(nowMs / 1000) * 1000 })
  const clock = new ManualClock()
  const core = await openCore()
  const key = core.key as Uint8Array
  clock.advance(600)
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock, ...QUIET })
  for (let i = 0; i < 3; i++) {
    await core.append(numbered(i, i + 1))
    await archiver.flush()
    clock.advance(60_000)
    nowMs += 60_000
  }
  await archiver.close()
  const [newest] = await collect(moments(store, { key }))
  const { length } = await restore(store, {
    corestore: await tmpStore(),
    key,
    at: { timeMs: newest?.timeMs as number }
  })
  expect(length).toBe(newest?.core?.length)
}, 30_000)

test('one commit of a clock that was wrong misleads nobody who asks for a time', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const core = await openCore()
  const key = core.key as Uint8Array
  let wrongMs = 0
  const wrong = { now: () => clock.now() + wrongMs, after: clock.after.bind(clock) }
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock: wrong, ...QUIET })
  const times: number[] = []
  for (let i = 0; i < 16; i++) {
    wrongMs = i === 7 ? 3 * 60 * 60 * 1000 : 0
    await core.append(numbered(i, i + 1))
    await archiver.flush()
    times.push(clock.now())
    clock.advance(60_000)
  }
  await archiver.close()
  const lengths: number[] = []
  for (const timeMs of times) lengths.push((await readHead(store, key, { at: { timeMs } })).record.length)
  expect(lengths).toEqual(times.map((_, i) => i + 1))
}, 30_000)

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
  const error = await archiver.flush().catch(({ code }: { code: string }) => code)
  const { length } = (await readHead(store, other.key as Uint8Array)).record
  expect({ error, length }).toMatchObject({ length: 2 })
  await archiver.close()
}, 30_000)

test('a verify that was ended has told where it goes on', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(Array.from({ length: 5 }, () => crypto.randomBytes(70_000)))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const told: object[] = []
  const report = await verify(store, { onProgress: (progress) => told.push(progress) })
  const names = (await collect(store.list(''))).map(({ name }) => name)
  const isTold = (value: unknown): boolean => names.some((name) => JSON.stringify(value).includes(name))
  expect([report, ...told].some(isTold)).toBe(true)
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
}, 60_000)

test('a directory that is no Corestore is not backed up as an empty one', async () => {
  const [directory, to] = [`${await tmpDir()}/typo`, await tmpDir()]
  const code = await run(['backup', directory, '--to', to, '--create'], {
    out: () => {},
    err: () => {},
    isTerminal: false,
    signal: new AbortController().signal
  })
  expect(code).not.toBe(0)
}, 30_000)

test('blocks of a fork that the archive is ahead of are not silently left out', async () => {
  const store = new MemoryStore()
  const here = await tmpStore()
  const core = here.get({ name: 'core' }) as Hypercore
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
  for (const event of ['gap', 'failure'] as const) again.on(event, (value: unknown) => told.push(value))
  const outcome = await again.flushed().then(
    () => 'flushed',
    (error: S3ArchiverError) => error.code
  )
  const { length } = (await readHead(store, key)).record
  expect({ outcome, length, told: told.length }).not.toEqual({ outcome: 'flushed', length: 3, told: 0 })
  await again.close()
}, 30_000)

test('an archiver that is started again and again displaces no moments', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const core = await openCore()
  const key = core.key as Uint8Array
  const start = (): Archiver => new Archiver(store, { cores: [core], writerId: WRITER, clock, ...QUIET })
  for (let i = 0; i < 5; i++) {
    await core.append(numbered(i, i + 1))
    const archiver = start()
    await archiver.flush()
    await archiver.close()
    clock.advance(1000)
  }
  for (let i = 0; i < 5; i++) {
    const archiver = start()
    await archiver.flush()
    await archiver.close()
    clock.advance(1000)
  }
  clock.advance(2 * DAY)
  await prune(store, { keep: { last: 5 } })
  const lengths = new Set((await collect(moments(store, { key }))).map(({ core }) => core?.length))
  expect([...lengths]).toEqual([5, 4, 3, 2, 1])
}, 30_000)

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
}, 30_000)

test('what a restore that was ended has left can be given to peers', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const key = core.key as Uint8Array
  await core.append(Array.from({ length: 64 }, () => crypto.randomBytes(60_000)))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const corestore = await tmpStore()
  const write = CoreWriter.prototype.write
  let pieces = 0
  CoreWriter.prototype.write = async function (...args) {
    if (pieces++ === 3) throw new Error('the disk is full')
    return write.apply(this, args)
  }
  await restore(store, { corestore, key }).catch(() => {})
  CoreWriter.prototype.write = write
  await restore(store, { corestore, key, blocks: 'none' })
  const restored = corestore.get({ key }) as Hypercore
  await restored.ready()
  const peer = (await tmpStore()).get({ key }) as Hypercore
  await peer.ready()
  const [a, b] = [restored.replicate(true), peer.replicate(false)]
  a.pipe(b).pipe(a)
  for (const one of [a, b]) one.on('error', () => {})
  await peer.update({ wait: true } as object)
  const got: string[] = []
  for (let seq = 0; seq < 15; seq++)
    if (await restored.has(seq))
      got.push(
        await peer.get(seq, { timeout: 1000 } as object).then(
          () => 'ok',
          (e: Error) => e.message
        )
      )
  expect(new Set(got)).toEqual(new Set(['ok']))
}, 30_000)

test('small blocks take no more memory than large ones', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const key = core.key as Uint8Array
  const blocks = Array.from({ length: 50_000 }, () => crypto.randomBytes(1))
  for (let i = 0; i < 8; i++) await core.append(blocks)
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.ready()
  const peak = async (work: Promise<unknown>): Promise<number> => {
    const used = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external
    const start = used()
    let most = start
    const timer = setInterval(() => (most = Math.max(most, used())), 5)
    await work
    most = Math.max(most, used())
    clearInterval(timer)
    return Math.round((most - start) / 2 ** 20)
  }
  const up = await peak(archiver.flush())
  await archiver.close()
  const down = await peak(restore(store, { corestore: await tmpStore(), key }))
  // 0.4 MB of blocks. In MiB; a shard of 20-byte blocks has as many, and four are read at once.
  expect({ up, down, isBounded: Math.max(up, down) < 100 }).toMatchObject({ isBounded: true })
}, 120_000)

test('a front whose pages were pruned while the archiver was paused is not attached', async () => {
  const clock = new ManualClock()
  const inner = new MemoryStore({ now: () => clock.now() })
  const core = await openCore()
  const key = core.key as Uint8Array
  const archiver = new Archiver(inner, { cores: [core], writerId: WRITER, clock, ...QUIET })
  await core.append(numbered(0, 3))
  await archiver.flush()
  const page = crypto.randomBytes(100)
  const name = contentName('page', page)
  await inner.putIfAbsent(name, page)
  archiver.pause()
  await core.append(numbered(3, 4))
  const flushing = archiver.flush()
  const attaching = archiver.attachFront(key, { objects: [name], bytes: crypto.randomBytes(10) }).then(
    () => 'attached',
    (error: Error) => error.message
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  clock.advance(2 * DAY)
  await prune(inner, { keep: { last: 1 } })
  archiver.resume()
  await flushing
  await attaching
  expect(await verify(inner)).toMatchObject({ ok: true })
  await archiver.close()
}, 30_000)

test('control: what was restored whole can be given to peers in the same way', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const key = core.key as Uint8Array
  await core.append(Array.from({ length: 64 }, () => crypto.randomBytes(60_000)))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.flush()
  await archiver.close()
  const corestore = await tmpStore()
  await restore(store, { corestore, key })
  const restored = corestore.get({ key }) as Hypercore
  await restored.ready()
  const peer = (await tmpStore()).get({ key }) as Hypercore
  await peer.ready()
  const [a, b] = [restored.replicate(true), peer.replicate(false)]
  a.pipe(b).pipe(a)
  for (const one of [a, b]) one.on('error', () => {})
  await peer.update({ wait: true } as object)
  const got: string[] = []
  for (let seq = 0; seq < 15; seq++)
    got.push(
      await peer.get(seq, { timeout: 1000 } as object).then(
        () => 'ok',
        (e: Error) => e.message
      )
    )
  expect(new Set(got)).toEqual(new Set(['ok']))
}, 30_000)

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
}, 60_000)

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
}, 30_000)

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
}, 30_000)

test('a writable restore that cannot go where it should fences nobody', async () => {
  const store = new MemoryStore()
  const here = await tmpStore()
  const core = here.get({ name: 'core' }) as Hypercore
  await core.append(numbered(0, 3))
  const key = core.key as Uint8Array
  const archiver = new Archiver(store, { corestore: here, ...QUIET })
  await archiver.flush()
  const there = await tmpStore()
  await restore(store, { corestore: there, key })
  const { keyPair } = core as unknown as { keyPair: { publicKey: Uint8Array; secretKey: Uint8Array } }
  await expect(restore(store, { corestore: there, key, writable: { keyPair } })).rejects.toMatchObject({
    code: 'S3_ARCHIVER_NOT_EMPTY'
  })
  await core.append(numbered(3, 4))
  expect(
    await archiver.flush().then(
      () => 'ok',
      (error: S3ArchiverError) => error.code
    )
  ).toBe('ok')
  await archiver.close()
}, 30_000)

test('a core that is truncated while it is read unopened is archived, and nothing is called damaged', async () => {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const core = corestore.get({ name: 'core' }) as Hypercore
  await core.append(Array.from({ length: 300 }, () => crypto.randomBytes(100_000)))
  const key = core.key as Uint8Array
  await core.close()
  let isFirst = true
  class Meddling extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (name.startsWith('s/') && isFirst) {
        isFirst = false
        const open = corestore.get({ key }) as Hypercore
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
}, 60_000)

test('a core that its user closes in the middle of a flush is archived', async () => {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const core = corestore.get({ name: 'core' }) as Hypercore
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
}, 60_000)

test('what an archiver uploaded before it was frozen is not named when it was pruned meanwhile', async () => {
  const [clock, frozen] = [new ManualClock(), new ManualClock()]
  const inner = new MemoryStore({ now: () => clock.now() })
  const store = new BeforeCommit(inner)
  const core = await openCore()
  const key = core.key as Uint8Array
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock: frozen, ...QUIET })
  await core.append(numbered(0, 1))
  await archiver.flush()
  await core.append([crypto.randomBytes(70_000)])
  store.before = async () => {
    store.before = async () => {}
    clock.advance(3 * DAY)
    await prune(inner, { keep: { last: 1 } })
  }
  const outcome = await archiver.flushed().then(
    () => 'flushed',
    (error: S3ArchiverError) => error.code
  )
  const blocks = await archived(inner, key).then(
    ({ length }) => length,
    (error: S3ArchiverError) => error.code
  )
  expect({ outcome, blocks }).toEqual({ outcome: 'flushed', blocks: 2 })
  await archiver.close()
}, 30_000)

test('prune does not take objects for garbage when no commit is there at all', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const core = await openCore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, clock, ...QUIET })
  await core.append([crypto.randomBytes(70_000)])
  await archiver.flush()
  await archiver.close()
  for (const { name } of await collect(store.list('l/'))) await store.delete(name)
  clock.advance(3 * DAY)
  await prune(store, { keep: { last: 1 } }).catch(() => {})
  expect((await collect(store.list('s/'))).length).toBe(1)
}, 30_000)

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
  for (let i = 0; i < 4; i++) {
    await core.append(numbered(i, i + 1))
    clock.advance(2000)
    await archiver.flush().catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(told.filter((one) => one === 'S3_ARCHIVER_FENCED').length).toBeLessThan(2)
  await archiver.close()
  await other.close()
}, 30_000)
