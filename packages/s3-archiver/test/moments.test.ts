import { expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { Archiver, moments, prune, restore } from '../src/index.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered, openCore, WRITER } from './archived.ts'
import { ManualClock } from './manual-clock.ts'

const DAY = 24 * 60 * 60 * 1000
const QUIET = { live: false, probe: false } as const

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
})

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
})

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
})
