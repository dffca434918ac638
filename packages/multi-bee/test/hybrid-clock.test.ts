import { fakeClock, replicate, tmpStore, until, type FakeClock } from '@cloudpal/test-kit'
import b4a from 'b4a'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MultiBee, type WriterInfo } from '../src/index.ts'
import { decodeTransaction } from '../src/log/decode.ts'
import { initialLogState, type LogState } from '../src/log/log-state.ts'
import { HybridClock, MAX_SKEW_MS, type Timestamp } from '../src/merge/hybrid-clock.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import { keyOf, openDevice, openReplica, untilShown, writerKeyOf } from './support/devices.ts'
import { EngineDevice } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'
import { runs } from './support/property-runs.ts'

const DAY_MS = 24 * 3_600_000
const YEAR_MS = 365 * DAY_MS
const NOON = Date.UTC(2026, 5, 1, 12)

function isLater(a: Timestamp, b: Timestamp): boolean {
  return a.ms > b.ms || (a.ms === b.ms && a.counter > b.counter)
}

describe('a hybrid clock', () => {
  test('gives wall time while that goes on', () => {
    const wall = fakeClock(1000)
    const clock = new HybridClock(wall.now)
    expect(clock.tick()).toEqual({ ms: 1000, counter: 0 })
    wall.advance(1)
    expect(clock.tick()).toEqual({ ms: 1001, counter: 0 })
  })

  test('counts while the wall clock is frozen', () => {
    const clock = new HybridClock(fakeClock(1000).now)
    expect([clock.tick(), clock.tick(), clock.tick()]).toEqual([
      { ms: 1000, counter: 0 },
      { ms: 1000, counter: 1 },
      { ms: 1000, counter: 2 }
    ])
  })

  test('stays where it is while the wall clock steps back', () => {
    const wall = fakeClock(NOON)
    const clock = new HybridClock(wall.now)
    clock.tick()
    wall.advance(-YEAR_MS)
    expect(clock.tick()).toEqual({ ms: NOON, counter: 1 })
    wall.set(NOON + 1)
    expect(clock.tick()).toEqual({ ms: NOON + 1, counter: 0 })
  })

  test('a full counter borrows the next millisecond, and no time is given twice', () => {
    const clock = new HybridClock(fakeClock(1000).now)
    let last = clock.tick()
    for (let i = 0; i < 65_535; i++) {
      const next = clock.tick()
      if (!isLater(next, last)) expect(next).toBe('later')
      last = next
    }
    expect(last).toEqual({ ms: 1000, counter: 65_535 })
    expect(clock.tick()).toEqual({ ms: 1001, counter: 0 })
    expect(clock.tick()).toEqual({ ms: 1001, counter: 1 })
  })

  test('goes past what it receives', () => {
    const clock = new HybridClock(fakeClock(1000).now)
    expect(clock.receive({ ms: 1000 + MAX_SKEW_MS, counter: 65_535 })).toBe(0)
    expect(clock.tick()).toEqual({ ms: 1001 + MAX_SKEW_MS, counter: 0 })
  })

  test('what it receives from the past changes nothing', () => {
    const clock = new HybridClock(fakeClock(1000).now, { ms: 1000, counter: 4 })
    expect(clock.receive({ ms: 999, counter: 60 })).toBe(0)
    expect(clock.receive({ ms: 1000, counter: 3 })).toBe(0)
    expect(clock.tick()).toEqual({ ms: 1000, counter: 5 })
  })

  test('is pulled ahead by a minute and no further, and tells by how much it would have been', () => {
    expect(MAX_SKEW_MS).toBe(60_000)
    const wall = fakeClock(1000)
    const clock = new HybridClock(wall.now)
    expect(clock.receive({ ms: 1000 + MAX_SKEW_MS + 1, counter: 7 })).toBe(MAX_SKEW_MS + 1)
    expect(clock.receive({ ms: 1000 + YEAR_MS, counter: 7 })).toBe(YEAR_MS)
    expect(clock.tick()).toEqual({ ms: 1000 + MAX_SKEW_MS, counter: 1 })
  })

  test('starts from the time it is given, so that a restart never goes back', () => {
    const clock = new HybridClock(fakeClock(1000).now, { ms: NOON, counter: 65_535 })
    expect(clock.tick()).toEqual({ ms: NOON + 1, counter: 0 })
  })

  test.each([-1, Number.NaN, Infinity, -Infinity, 1.5, 2 ** 60])(
    'survives a wall clock that says %s',
    (now) => {
      const clock = new HybridClock(() => now)
      const times = [clock.tick(), clock.tick(), clock.tick()]
      clock.receive({ ms: 2 ** 48 - 1, counter: 0 })
      times.push(clock.tick())
      for (const { ms, counter } of times) {
        expect(Number.isSafeInteger(ms) && ms >= 0 && ms < 2 ** 48).toBe(true)
        expect(Number.isInteger(counter) && counter >= 0 && counter < 2 ** 16).toBe(true)
      }
      for (const [i, time] of times.slice(1).entries())
        expect(isLater(time, times[i] as Timestamp)).toBe(true)
    }
  )

  test('whatever the wall clock and other devices do, times only grow, and stay within a minute of the greatest wall time', () => {
    const step = fc.record({
      wall: fc.constantFrom(0, 0, 1, -1, 1000, YEAR_MS, -YEAR_MS, -DAY_MS),
      receive: fc.option(fc.record({ ms: fc.integer({ min: 0, max: 2 ** 48 - 1 }), counter: fc.nat(65_535) }))
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const wall = fakeClock(NOON)
        const clock = new HybridClock(wall.now)
        let last = clock.tick()
        let greatest = NOON
        for (const { wall: ms, receive } of steps) {
          wall.advance(ms)
          greatest = Math.max(greatest, wall.now())
          if (receive !== null) clock.receive(receive)
          const next = clock.tick()
          expect(isLater(next, last)).toBe(true)
          // One more for a counter that came in full.
          expect(next.ms).toBeLessThanOrEqual(greatest + MAX_SKEW_MS + 1)
          last = next
        }
      }),
      runs(500)
    )
  })
})

describe('the times in a log', () => {
  function device(wall: FakeClock, own = new MemoryLog(b4a.alloc(32, 1))): EngineDevice {
    return new EngineDevice(own, own.key, new Map(), wall.now)
  }

  async function put(device: EngineDevice, value: string): Promise<void> {
    const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(value) } }
    await device.engine.submit({
      type: 'write',
      writes: [{ key: b4a.from('k'), intent, base: null, compare: null }],
      atomic: false
    })
  }

  function timesOf({ blocks, key }: MemoryLog): Timestamp[] {
    const writers = new WriterTable()
    let state: LogState = initialLogState(writers.idOf(key))
    return blocks.map((block, seq) => {
      const result = decodeTransaction(seq, [block], state, writers)
      if (!('transaction' in result)) throw new Error('unreadable')
      // As written, before the greatest so far is taken.
      const written = decodeTransaction(seq, [block], { ...state, ms: 0, counter: 0 }, writers)
      state = result.state
      return 'transaction' in written
        ? { ms: written.transaction.ms, counter: written.transaction.counter }
        : { ms: -1, counter: -1 }
    })
  }

  test.each(['restart', 'crash'] as const)(
    'never go back over a %s, also when the wall clock did',
    async (how) => {
      const wall = fakeClock(NOON)
      const only = device(wall)
      await only.open()
      await put(only, '1')
      await put(only, '2')
      wall.advance(-YEAR_MS)
      await only[how]()
      await put(only, '3')
      await only[how]()
      await put(only, '4')
      expect(timesOf(only.own)).toEqual([0, 1, 2, 3].map((counter) => ({ ms: NOON, counter })))
      await only.engine.close()
    }
  )

  /** A device, and another one that it has let in and that has nothing of it yet. */
  async function twoDevices(
    firstClock: FakeClock,
    secondClock: FakeClock
  ): Promise<[EngineDevice, EngineDevice]> {
    const first = device(firstClock)
    const logs = new Map([[b4a.toString(first.own.key, 'hex'), first.own]])
    const second = new EngineDevice(new MemoryLog(b4a.alloc(32, 2)), first.own.key, logs, secondClock.now)
    await first.open()
    await second.open()
    await first.engine.submit({
      type: 'membership',
      records: [{ type: 'add', writer: second.own.key, name: '' }]
    })
    onTestFinished(async () => {
      await first.engine.close()
      await second.engine.close()
    })
    return [first, second]
  }

  test('a device whose clock is far behind writes after what it has seen', async () => {
    const [first, second] = await twoDevices(fakeClock(NOON), fakeClock(NOON - YEAR_MS))
    await put(first, '"first"')
    second.log(b4a.toString(first.own.key, 'hex')).deliver(2)
    await second.engine.settle()
    await put(second, '"second"')
    // A minute past its own wall time at most: the other's time is a year ahead of it.
    const [time] = timesOf(second.own)
    expect(time).toEqual({ ms: NOON - YEAR_MS + MAX_SKEW_MS, counter: 1 })
  })

  test('a device whose clock is a little behind writes after the last of what came in at once', async () => {
    const wall = fakeClock(NOON)
    const [first, second] = await twoDevices(wall, fakeClock(NOON - 10))
    for (const value of ['1', '2', '3']) {
      wall.advance(5)
      await put(first, value)
    }
    second.log(b4a.toString(first.own.key, 'hex')).deliver(4)
    await second.engine.settle()
    await put(second, '4')
    expect(timesOf(second.own)).toEqual([{ ms: NOON + 15, counter: 1 }])
  })
})

describe('two devices whose clocks disagree', () => {
  async function pair(aClock: FakeClock, bClock: FakeClock): Promise<[MultiBee, MultiBee]> {
    const a = await openDevice({ name: 'a', clock: aClock.now })
    const b = await openReplica(a, { name: 'b', clock: bClock.now })
    await a.addWriter(writerKeyOf(b), { name: 'b' })
    return [a, b]
  }

  test('say so once, with device and offset, and show it in status', async () => {
    const [a, b] = await pair(fakeClock(NOON), fakeClock(NOON + DAY_MS))
    const skewed: [WriterInfo, number][] = []
    a.on('clock-skew', (writer, offsetMs) => skewed.push([writer, offsetMs]))
    const behind: number[] = []
    b.on('clock-skew', (_, offsetMs) => behind.push(offsetMs))
    replicate(a, b)
    await until(() => b.writable)
    await b.put('k', 1)
    await untilShown('k', 1, a)
    await b.put('k', 2)
    await untilShown('k', 2, a)
    expect(
      skewed.map(([{ name, key }, offsetMs]) => [name, b4a.equals(key, writerKeyOf(b)), offsetMs])
    ).toEqual([['b', true, DAY_MS]])
    expect((await a.status()).devices.map(({ name, clockSkewMs }) => [name, clockSkewMs])).toEqual([
      ['a', 0],
      ['b', DAY_MS]
    ])
    // A device that lags behind is no news for the one that is ahead.
    expect(behind).toEqual([])
  })

  test('the report ends when the clock is put right', async () => {
    const bClock = fakeClock(NOON + DAY_MS)
    const aClock = fakeClock(NOON)
    const [a, b] = await pair(aClock, bClock)
    const offsets: number[] = []
    a.on('clock-skew', (_, offsetMs) => offsets.push(offsetMs))
    replicate(a, b)
    await until(() => b.writable)
    await b.put('k', 1)
    await untilShown('k', 1, a)
    // b's log never goes back, so a day has to pass.
    aClock.advance(DAY_MS)
    await b.put('k', 2)
    await untilShown('k', 2, a)
    expect((await a.status()).devices[1]?.clockSkewMs).toBe(0)
    bClock.advance(2 * DAY_MS)
    await b.put('k', 3)
    await untilShown('k', 3, a)
    expect(offsets).toEqual([DAY_MS, 2 * DAY_MS])
  })

  test('still agree, and an edit made with knowledge of another beats it, whatever either clock says', async () => {
    const [a, b] = await pair(fakeClock(NOON - YEAR_MS), fakeClock(NOON + YEAR_MS))
    replicate(a, b)
    await until(() => b.writable)
    await b.put('k', { field: 'b' })
    await untilShown('k', { field: 'b' }, a)
    await a.put('k', { field: 'a' })
    await untilShown('k', { field: 'a' }, a, b)
    expect(await a.conflicts('k')).toEqual([])
    expect(await b.conflicts('k')).toEqual([])
  })

  test('nothing is refused for its time', async () => {
    const [a, b] = await pair(fakeClock(NOON), fakeClock(0))
    replicate(a, b)
    await until(() => b.writable)
    await b.put('past', 1)
    await untilShown('past', 1, a)
    const c = await openReplica(a, { name: 'c', clock: () => 2 ** 48 })
    await a.addWriter(writerKeyOf(c), { name: 'c' })
    replicate(a, c)
    await until(() => c.writable)
    await c.put('future', 1)
    await untilShown('future', 1, a)
    await a.put('future', 2)
    await untilShown('future', 2, c)
  })
})

test('a device that restarts with its clock a year behind keeps its own order, and what it shows', async () => {
  const store = await tmpStore()
  const wall = fakeClock(NOON)
  const before = await openDevice({ store, clock: wall.now })
  await before.put('k', 'old')
  const key = keyOf(before)
  await before.close()
  wall.advance(-YEAR_MS)
  const after = await openDevice({ store, clock: wall.now })
  expect(b4a.equals(keyOf(after), key)).toBe(true)
  await after.put('k', 'new')
  expect((await after.get('k'))?.value).toBe('new')
  const times: number[] = []
  for await (const { time } of after.createHistoryStream()) times.push(time)
  expect(times).toEqual([NOON, NOON])
})
