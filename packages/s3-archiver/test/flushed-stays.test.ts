import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { tmpStore } from '@cloudpal/test-kit'
import { Archiver, prune, S3ArchiverError, verify, type PutOptions } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { archived, numbered, openCore, textOf, WRITER } from './archived.ts'
import { Passing } from './bad-stores.ts'
import { ManualClock } from './manual-clock.ts'

const DAY = 24 * 60 * 60 * 1000
const QUIET = { live: false, probe: false } as const

interface Reader {
  getBlock(seq: number): Promise<Uint8Array | null>
  tryFlush(): void
}

/** Once, before a core's blocks are read the next time, something else happens: as when an upload before them takes its time. */
function beforeBlocksAreRead(core: Hypercore, act: () => Promise<void>): void {
  const { storage } = (core.core as { state: { storage: { read(): Reader } } }).state
  const read = storage.read.bind(storage)
  let isArmed = true
  let acting: Promise<void> | null = null
  storage.read = () => {
    const reader = read()
    if (!isArmed) return reader
    const getBlock = async (seq: number): Promise<Uint8Array | null> => {
      isArmed = false
      await (acting ??= act())
      const later = read()
      const block = later.getBlock(seq)
      later.tryFlush()
      return block
    }
    return new Proxy(reader, {
      get(target, name) {
        if (name === 'getBlock') return getBlock
        const value = (target as unknown as Record<string | symbol, unknown>)[name]
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      }
    })
  }
}

test('blocks that were flushed, and then cleared while a round merges their segments, stay in the archive', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  for (let i = 0; i < 8; i++) {
    await core.append(numbered(i, i + 1))
    await archiver.flushed()
  }
  expect(await archived(store, core.key as Uint8Array)).toEqual(textOf(numbered(0, 8)))
  await core.append(numbered(8, 10))
  // 0 to 7 are durable, so they may be cleared: README, "Archive before you clear".
  beforeBlocksAreRead(core, async () => {
    await core.clear(0, 8)
  })
  await archiver.flushed()
  expect(await archived(store, core.key as Uint8Array)).toEqual(textOf(numbered(0, 10)))
  await archiver.close()
})

test('blocks that were flushed stay in the newest commit when a round that merges them ends early', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  const clock = new ManualClock()
  let isAway = false
  class Away extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (isAway) throw new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'the machine is lost here')
      const made = await super.putIfAbsent(name, bytes, options)
      // The next commit is the last that is made.
      isAway ||= isLast && name.startsWith('l/')
      return made
    }
  }
  let isLast = false
  const archiver = new Archiver(new Away(store), { cores: [core], writerId: WRITER, clock, ...QUIET })
  for (let i = 0; i < 8; i++) {
    await core.append(numbered(i, i + 1))
    await archiver.flushed()
  }
  await core.append(numbered(8, 10))
  isLast = true
  // The laptop sleeps for two hours.
  beforeBlocksAreRead(core, async () => clock.advance(2 * 60 * 60 * 1000))
  await archiver.flushed().catch(() => {})
  const there = await archived(store, core.key as Uint8Array)
  expect(there.slice(0, 8)).toEqual(textOf(numbered(0, 8)))
  await archiver.close()
})

test('a commit whose put is repeated after days names no shard that was pruned meanwhile', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore({ now: () => clock.now() })
  let isArmed = false
  class Sleeping extends Passing {
    override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
      if (isArmed && name.startsWith('l/')) {
        isArmed = false
        // The request was on its way when the laptop was closed; two days later, with the lid opened, it has had no answer.
        clock.advance(2 * DAY)
        await prune(store, { keep: { last: 1 } })
        throw new S3ArchiverError('S3_ARCHIVER_STORE_TIMEOUT', 'no answer', {
          retryable: true,
          ambiguous: true
        })
      }
      return super.putIfAbsent(name, bytes, options)
    }
  }
  const core = await openCore()
  await core.append(numbered(0, 2))
  const archiver = new Archiver(new Sleeping(store), { cores: [core], writerId: WRITER, clock, ...QUIET })
  await archiver.flushed()
  // More than a tail holds.
  await core.append([crypto.randomBytes(100_000)])
  isArmed = true
  // As the live archiver does, and `flushed`, again when it may be tried again.
  await archiver.flush().catch(() => archiver.flush())
  expect(await verify(store, { keys: [core.key as Uint8Array] })).toMatchObject({ ok: true })
  await archiver.close()
})

test('what a device writes after its disk was rolled back is not archived, and the archiver says so', async () => {
  const store = new MemoryStore()
  const keyPair = crypto.keyPair()
  const options = { keyPair } as never
  const before = (await tmpStore()).get(options)
  await before.append(numbered(0, 100))
  const first = new Archiver(store, { cores: [before], writerId: WRITER, ...QUIET })
  await first.flushed()
  await first.close()
  // A snapshot of the machine, which had 80 of the blocks.
  const after = (await tmpStore()).get(options)
  await after.append(numbered(0, 80))
  await after.append(numbered(1000, 1005))
  const archiver = new Archiver(store, { cores: [after], writerId: WRITER, ...QUIET })
  await expect(archiver.flushed()).rejects.toMatchObject({
    code: 'S3_ARCHIVER_LOCAL_FAILED',
    message: expect.stringContaining('set back')
  })
  await archiver.close()
})

test('a sparse core of many pieces, some of which were cleared since, is archived when a block comes', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 400))
  const sparse = (await tmpStore()).get({ key: core.key })
  await sparse.ready()
  const streams = [core.replicate(true), sparse.replicate(false)] as const
  streams[0].pipe(streams[1]).pipe(streams[0])
  const archiver = new Archiver(store, { cores: [sparse], writerId: WRITER, ...QUIET })
  for (let i = 0; i < 400; i += 3) await sparse.get(i)
  await archiver.flush()
  // They are in the archive.
  for (let i = 0; i < 100; i += 3) await sparse.clear(i)
  await sparse.get(100)
  const code = await archiver.flush().then(
    () => 'flushed',
    (error: S3ArchiverError) => error.code
  )
  const [, , hundred] = (await archived(store, core.key as Uint8Array)).slice(98)
  for (const stream of streams) stream.destroy()
  await archiver.close()
  expect({ code, hundred }).toEqual({ code: 'flushed', hundred: textOf(numbered(100, 101))[0] })
})

test('a core that is truncated while it is read is not said to be damaged', async () => {
  const store = new MemoryStore()
  const core = await openCore()
  await core.append(numbered(0, 50))
  const archiver = new Archiver(store, { cores: [core], writerId: WRITER, ...QUIET })
  await archiver.ready()
  const told: unknown[] = []
  archiver.on('failure', ({ error }) => told.push((error as S3ArchiverError).code))
  beforeBlocksAreRead(core, async () => {
    await core.truncate(3)
  })
  await archiver.flushed().catch((error: S3ArchiverError) => told.push(error.code))
  await archiver.close()
  expect(told).toEqual([])
})
