import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test, vi } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import {
  Archiver,
  compact,
  prune,
  restore,
  S3ArchiverError,
  verify,
  type ObjectStore,
  type PutOptions
} from '../src/index.ts'
import { commitSeq, contentName } from '../src/format/names.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { newestCommit } from '../src/read/commits.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, WRITER } from './archived.ts'
import { Passing } from './bad-stores.ts'
import { ManualClock } from './manual-clock.ts'

const DAY = 24 * 60 * 60 * 1000
const QUIET = { live: false, probe: false } as const

test('an entry that is repeated, and then carried, is not lost when the commit that it was made for was pruned', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  const corestore = await tmpStore()
  const cores = Array.from({ length: 22 }, (_, i) => corestore.get({ name: `${i}` }))
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
})

/** Calls back after a put of a shard. */
class AfterShard extends Passing {
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
    const store = new AfterShard(inner)
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
    expect(await compact(store, { keys: [key], writerId: WRITER })).toMatchObject({ before: 4, after: 1 })
    expect(await archived(store, key)).toEqual(blocks)
  } finally {
    vi.useRealTimers()
  }
})

test.each([
  ['is marked', true],
  ['is not marked yet', false]
])(
  'an archiver whose clock stood still while it was frozen is fenced by a claim that %s',
  async (_, isMarked) => {
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
    // As after a crash between a claim and its mark.
    if (!isMarked) for (const { name } of await collect(store.list('g/'))) await store.delete(name)
    await prune(store, { keep: { last: 1 } })
    await core.append(numbered(1, 2))
    await expect(paused.flushed()).rejects.toMatchObject({ code: 'S3_ARCHIVER_FENCED' })
    expect((await readHead(store, key)).record.length).toBe(1)
    await paused.close()
    await next.close()
  }
)

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
})

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
    ({ code }: S3ArchiverError) => code
  )
  clock.advance(2 * DAY)
  await prune(inner, { keep: { last: 1 } })
  archiver.resume()
  await flushing
  expect(await attaching).toBe('S3_ARCHIVER_BAD_ARGUMENT')
  expect(await verify(inner)).toMatchObject({ ok: true })
  await archiver.close()
})

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
  await expect(prune(store, { keep: { last: 1 } })).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
  expect((await collect(store.list('s/'))).length).toBe(1)
})
