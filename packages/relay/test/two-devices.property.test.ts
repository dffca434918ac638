import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Connection } from '../src/index.ts'
import type { State, Way } from './simulated-ways.ts'
import { type TwoDevices, withTwoDevices } from './two-devices.ts'

vi.mock('../src/client/dial.ts', async () => (await import('./simulated-ways.ts')).simulatedDials)

const RUNS = { numRuns: Number(process.env['WORLD_RUNS'] ?? 40) }
/** So long after a relay works there is a path. */
const SOON_MS = 15_000
const TEN_MINUTES = 600_000

const side = fc.constantFrom(0 as const, 1 as const)
const state = fc.constantFrom<State>('up', 'up', 'frozen', 'down')
const latencies = fc.array(fc.constantFrom(1, 3, 20, 150, 400), { minLength: 4, maxLength: 4 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      me: side,
      length: fc.integer({ min: 1, max: 50_000 })
    })
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 3, 10, 50, 300, 1_000, 3_000, 70_000)
    })
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('way' as const), which: fc.nat(3), state }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const), which: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('read' as const), me: side, reads: fc.boolean() })
  }
)
/** With ends of streams, where who has ended does not matter. */
const stepOrEnd = fc.oneof(
  { weight: 8, arbitrary: step },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), me: side }) }
)
type Step = typeof stepOrEnd extends fc.Arbitrary<infer One> ? One : never

/** Two relays, then the direct ways. */
const waysOf = (devices: TwoDevices) => [...devices.relays, ...devices.directWays]

async function run(devices: TwoDevices, steps: readonly Step[], may: (one: Step) => boolean): Promise<void> {
  for (const one of steps) {
    if (!may(one)) continue
    if (one.do === 'write') devices.write(one.me, one.length)
    if (one.do === 'wait') await vi.advanceTimersByTimeAsync(one.ms)
    if (one.do === 'way') waysOf(devices)[one.which]?.set(one.state)
    if (one.do === 'drain') devices.relays[one.which]?.drain()
    if (one.do === 'end') devices.end(one.me)
    if (one.do === 'read') devices.read(one.me, one.reads)
  }
}

/** Both are closed, and nothing is left of them: no way is used, no timer runs, nobody dials. */
async function expectNothingLeft(devices: TwoDevices): Promise<void> {
  const { dials } = devices
  await vi.advanceTimersByTimeAsync(TEN_MINUTES)
  const ended = [devices.connection, ...devices.devices[1].connections].map(({ destroyed }) => destroyed)
  expect(ended).not.toContain(false)
  for (const { sessions } of devices.devices) sessions.close()
  expect([devices.dials - dials, devices.links, vi.getTimerCount()]).toEqual([0, 0, 0])
}

test('two devices whose ways come and go lose nothing, and come to rest on one path, the best there is', async () => {
  const plan = fc.record({
    direct: fc.boolean(),
    early: fc.boolean(),
    // Who has begun cannot be reached directly.
    hidden: fc.boolean(),
    oneByOne: fc.boolean(),
    latencies,
    steps: fc.array(step, { maxLength: 40 })
  })
  const property = fc.asyncProperty(plan, ({ direct, early, hidden, oneByOne, latencies, steps }) =>
    withTwoDevices(async (devices) => {
      for (const [i, way] of waysOf(devices).entries())
        Object.assign(way, { latencyMs: latencies[i] ?? 3, oneByOne })
      const stays = (i: number): boolean => i > 1 && (!direct || (hidden && i === 3))
      for (const [i, way] of waysOf(devices).entries()) if (stays(i)) way.set('down')
      devices.start()
      if (!early) {
        await vi.advanceTimersByTimeAsync(5_000)
        expect(devices.connection.path).not.toBe(null)
      }
      await run(devices, steps, (one) => one.do !== 'way' || !stays(one.which))
      const [alice, bob] = devices.devices
      for (const me of [0, 1] as const) devices.read(me, true)
      // One relay is enough.
      devices.relays[0]?.set('up')
      await vi.advanceTimersByTimeAsync(SOON_MS)
      const hasPath = [devices.connection, ...bob.connections].map(
        (one) => one.destroyed || one.path !== null
      )
      expect(hasPath).not.toContain(false)
      for (const [i, way] of waysOf(devices).entries()) if (!stays(i)) way.set('up')
      const before = devices.dials
      await vi.advanceTimersByTimeAsync(TEN_MINUTES)
      expect([alice.wrong, bob.wrong]).toEqual([false, false])
      // Where no way has worked when it was called.
      if (early && devices.connection.destroyed) return expectNothingLeft(devices)
      expect(bob.connections.length).toBe(1)
      expect([devices.connection.destroyed, bob.connections[0]?.destroyed]).toEqual([false, false])
      expect([alice.read, bob.read]).toEqual([bob.written, alice.written])
      const kind = direct ? 'tcp' : 'relay'
      expect([devices.connection.path?.kind, bob.connections[0]?.path?.kind]).toEqual([kind, kind])
      expect(devices.links).toBe(1)
      expect(devices.dials - before).toBeLessThan(100)
      devices.connection.destroy()
      await vi.advanceTimersByTimeAsync(60_000)
      await expectNothingLeft(devices)
    })
  )
  await fc.assert(property, RUNS)
})

test('a stream that has ended on both sides ends in peace, whatever its ways did', async () => {
  const plan = fc.record({
    latencies,
    before: fc.array(step, { maxLength: 20 }),
    between: fc.array(step, { maxLength: 10 }),
    after: fc.array(step, { maxLength: 20 })
  })
  const property = fc.asyncProperty(plan, ({ latencies, before, between, after }) =>
    withTwoDevices(async (devices) => {
      const isNoWrite = (one: Step): boolean => one.do !== 'write'
      for (const [i, way] of waysOf(devices).entries()) way.latencyMs = latencies[i] ?? 3
      devices.start()
      await vi.advanceTimersByTimeAsync(5_000)
      const [alice, bob] = devices.devices
      await run(devices, before, () => true)
      devices.end(0)
      await run(devices, between, isNoWrite)
      devices.end(1)
      await run(devices, after, isNoWrite)
      for (const way of waysOf(devices)) way.set('up')
      for (const me of [0, 1] as const) devices.read(me, true)
      await vi.advanceTimersByTimeAsync(TEN_MINUTES)
      expect([alice.wrong, bob.wrong]).toEqual([false, false])
      expect([alice.read, bob.read]).toEqual([bob.written, alice.written])
      expect([alice.ends, bob.ends]).toEqual([1, 1])
      expect([alice.errors, bob.errors]).toEqual([[], []])
      await expectNothingLeft(devices)
    })
  )
  await fc.assert(property, RUNS)
})

test('whoever gives up, at any moment and whatever the ways are: soon nothing is left of it on either side', async () => {
  const plan = fc.record({
    latencies,
    startMs: fc.constantFrom(0, 1, 5, 8, 14, 20, 40, 700, 5_000),
    steps: fc.array(stepOrEnd, { maxLength: 20 }),
    who: side,
    after: fc.array(stepOrEnd, { maxLength: 10 })
  })
  const property = fc.asyncProperty(plan, ({ latencies, startMs, steps, who, after }) =>
    withTwoDevices(
      async (devices) => {
        for (const [i, way] of waysOf(devices).entries()) way.latencyMs = latencies[i] ?? 3
        devices.start()
        await vi.advanceTimersByTimeAsync(startMs)
        await run(devices, steps, () => true)
        const [, bob] = devices.devices
        const given = who === 0 ? devices.connection : (bob.connections[0] ?? devices.connection)
        given.destroy()
        const { dials } = devices
        await run(devices, after, () => true)
        await vi.advanceTimersByTimeAsync(200_000)
        expect(devices.dials - dials).toBeLessThan(400)
        await expectNothingLeft(devices)
      },
      { graceMs: 30_000 }
    )
  )
  await fc.assert(property, RUNS)
})

test('a relay that dies while it waits for a better way, and is back later, carries the connection', () =>
  withTwoDevices(async (devices) => {
    const [first, second] = devices.relays
    second?.set('down')
    devices.directWays[1].set('down')
    // What makes the relay wait: an address that may answer yet.
    devices.directWays[0].set('frozen')
    devices.start()
    await vi.advanceTimersByTimeAsync(16)
    first?.set('down')
    await vi.advanceTimersByTimeAsync(7_000)
    first?.set('up')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([devices.links > 0, devices.connection.path?.kind]).toEqual([true, 'relay'])
    expect(devices.devices[1].connections[0]?.path?.kind).toBe('relay')
  }))

test('a stream that both sides have ended leaves nothing behind, though its last bytes came in one burst', () =>
  withTwoDevices(
    async (devices) => {
      devices.start()
      await vi.advanceTimersByTimeAsync(5_000)
      const [alice, bob] = devices.devices
      devices.write(0, 40_000)
      devices.end(0)
      devices.end(1)
      await vi.advanceTimersByTimeAsync(120_000)
      expect([bob.read, bob.ends, alice.ends, alice.errors, bob.errors]).toEqual([40_000, 1, 1, [], []])
      await expectNothingLeft(devices)
    },
    { graceMs: 30_000 }
  ))

test('what was written before the end arrives, though the path fails once the writer has closed', () =>
  withTwoDevices(async (devices) => {
    devices.start()
    await vi.advanceTimersByTimeAsync(5_000)
    const [alice, bob] = devices.devices
    devices.end(0)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(bob.ends).toBe(1)
    for (const way of devices.directWays) way.set('frozen')
    devices.write(1, 100_000)
    devices.end(1)
    await vi.advanceTimersByTimeAsync(100)
    for (const way of devices.directWays) way.set('down')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([alice.read, alice.ends, alice.errors, bob.errors]).toEqual([100_000, 1, [], []])
  }))

test.each([0, 1] as const)(
  'the last ack that is lost with its path is said again: device %i is not left waiting',
  (waiting) =>
    withTwoDevices(async (devices) => {
      devices.start()
      await vi.advanceTimersByTimeAsync(5_000)
      devices.end(waiting === 0 ? 1 : 0)
      await vi.advanceTimersByTimeAsync(1_000)
      devices.end(waiting)
      // The end has arrived, the ack of it has not.
      await vi.advanceTimersByTimeAsync(4)
      for (const way of devices.directWays) way.set('down')
      expect(devices.devices.map(({ ends }) => ends)).toEqual([1, 1])
      await vi.advanceTimersByTimeAsync(20_000)
      await expectNothingLeft(devices)
    })
)

test.each([0, 1] as const)(
  'side %i that gives up what it has not read is not looked for: the other one is told, and nothing is left',
  async (me) => {
    await withTwoDevices(
      async (devices) => {
        for (const way of devices.directWays) way.set('down')
        devices.start()
        await vi.advanceTimersByTimeAsync(5_000)
        const other = me === 0 ? 1 : 0
        const here = me === 0 ? devices.connection : devices.devices[1].connections[0]
        devices.write(0, 10)
        devices.write(1, 10)
        // Until a whole window is put under way.
        for (let i = 0; i < 200; i++) devices.write(other, 10_000)
        await vi.advanceTimersByTimeAsync(1_000)
        here?.pause()
        devices.end(me)
        await vi.advanceTimersByTimeAsync(1_000)
        for (let i = 0; i < 20; i++) devices.write(other, 10_000)
        devices.end(other)
        await vi.advanceTimersByTimeAsync(3_000)
        expect(here?.destroyed).toBe(false)
        const before = devices.dials
        here?.destroy()
        await vi.advanceTimersByTimeAsync(80_000)
        expect(devices.dials - before).toBe(0)
      },
      { graceMs: 30_000 }
    )
  }
)

test('a device that was reached does not call without a pause where each path is cut as soon as it is joined', async () => {
  await withTwoDevices(async (devices) => {
    for (const way of devices.directWays) way.set('down')
    devices.start()
    await vi.advanceTimersByTimeAsync(5_000)
    const [, bob] = devices.devices
    const own = bob.connections[0] as unknown as Connection
    expect(own.path).not.toBe(null)
    const before = devices.dials
    // A relay that dislikes them, or the device that has begun.
    own.on('path', (path) => {
      if (path === null) return
      for (const way of devices.relays)
        setTimeout(() => {
          for (const link of way.links) link.cut()
        }, 1)
    })
    for (const way of devices.relays) for (const link of way.links) link.cut()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(devices.dials - before).toBeLessThan(300)
  })
})

test('a relay that says that it goes down while the devices still greet each other is left', async () => {
  const stayed: number[] = []
  for (let at = 7; at < 40; at++) {
    await withTwoDevices(async (devices) => {
      for (const way of devices.directWays) way.set('down')
      devices.start()
      await vi.advanceTimersByTimeAsync(at)
      // Once, to whoever is joined there.
      const [relay] = devices.relays
      const joined = relay?.links.size ?? 0
      relay?.drain()
      await vi.advanceTimersByTimeAsync(20_000)
      if (joined > 0 && devices.connection.path?.relay === relay?.relay) stayed.push(at)
    })
  }
  expect(stayed).toEqual([])
})

/** As where a telephone changes its network: its own end is gone, and nobody tells the other one. */
function loseOwnEnds(way: Way): void {
  for (const link of way.links) {
    link.open[0] = false
    link.events[0]?.onclose(null)
  }
}

test('a device that loses its paths twice in a row, without the other one knowing, goes on over the next', async () => {
  const stuck: number[] = []
  for (let ms = 0; ms < 15; ms++) {
    await withTwoDevices(async (devices) => {
      const [alice, bob] = devices.devices
      for (const way of devices.directWays) way.set('down')
      devices.start()
      await vi.advanceTimersByTimeAsync(5_000)
      for (const me of [0, 1] as const) devices.write(me, 1_000)
      await vi.advanceTimersByTimeAsync(1_000)
      const used = devices.relays.find(({ relay }) => relay === devices.connection.path?.relay) as Way
      const other = devices.relays.find((one) => one !== used) as Way
      loseOwnEnds(used)
      while (devices.connection.path === null) await vi.advanceTimersByTimeAsync(1)
      await vi.advanceTimersByTimeAsync(ms)
      loseOwnEnds(other)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(devices.connection.path).not.toBe(null)
      for (const me of [0, 1] as const) devices.write(me, 1_000)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(devices.connection.path).not.toBe(null)
      if (alice.read !== bob.written || bob.read !== alice.written) stuck.push(ms)
    })
  }
  expect(stuck).toEqual([])
})
