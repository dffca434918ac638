import { connect, type Socket } from 'node:net'
import { testCleanup, until } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { TIMES } from '../src/client/options.ts'
import { monotonic, steady } from '../src/monotonic.ts'
import { Alarm } from '../src/session/alarm.ts'
import { Liveness } from '../src/session/liveness.ts'
import { Watch } from '../src/session/watch.ts'
import { listening } from './listening.ts'

afterEach(() => void vi.useRealTimers())

test('a clock that is set back goes on, and one that is set forward goes on from there', () => {
  let time = 1_000
  const clock = steady(() => time)
  const at = (now: number): number => {
    time = now
    return clock()
  }
  expect([at(1_010), at(500), at(510), at(5_000), at(0), at(1)]).toEqual([
    1_010, 1_010, 1_020, 5_510, 5_510, 5_511
  ])
})

test('durations are measured by a clock that nobody sets', () => {
  vi.useFakeTimers()
  const before = monotonic()
  vi.setSystemTime(0)
  expect(monotonic()).toBe(before)
  vi.advanceTimersByTime(5)
  expect(monotonic()).toBe(before + 5)
})

test('there is nothing to do about a path before it is due, and something when it is', () => {
  const happening = fc.record({ after: fc.nat(20_000), what: fc.constantFrom('heard', 'sent', 'tick') })
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 20 }), fc.boolean(), (happenings, idle) => {
      const liveness = new Liveness(TIMES, 0)
      let now = 0
      for (const { after, what } of happenings) {
        now += after
        if (what === 'heard') liveness.heard(now)
        if (what === 'sent') liveness.sent(now)
        const due = liveness.dueAt(idle)
        if (what === 'tick') expect(liveness.tick(now, idle) === 'nothing').toBe(now < due)
      }
      const due = Math.max(now, liveness.dueAt(idle))
      if (due > now) expect(liveness.tick(due - 1, idle)).toBe('nothing')
      expect(liveness.tick(due, idle)).not.toBe('nothing')
      // It is told again what to do until it is dead: never at once, and not for ever.
      let ticks = 0
      for (let at = due; ; at = liveness.dueAt(idle), ticks++) {
        expect(ticks).toBeLessThan(TIMES.deadMs / TIMES.probeMs + 2)
        if (liveness.tick(at, idle) === 'dead') break
        expect(liveness.dueAt(idle)).toBeGreaterThan(at)
      }
    })
  )
})

/** A session with one path, whose other side answers. */
function watched(): { watch: Watch; probes: number; dead: number; lost: number; busy: boolean } {
  vi.useFakeTimers()
  const liveness = new Liveness(TIMES, monotonic())
  const seen = { probes: 0, dead: 0, lost: 0, busy: false }
  const watch = new Watch(TIMES, {
    paths: () => [[0, { liveness }]],
    isBusy: () => seen.busy,
    onprobe: () => {
      seen.probes++
      liveness.sent(monotonic())
      liveness.heard(monotonic())
    },
    ondead: () => seen.dead++,
    onlost: () => seen.lost++
  })
  watch.changed(true)
  return Object.assign(seen, { watch })
}

test('a connection that has been idle for a minute wakes every 15 seconds only, until it is used again', () => {
  const seen = watched()
  const wakes = (ms: number): number => {
    const before = seen.probes
    vi.advanceTimersByTime(ms)
    return seen.probes - before
  }
  expect(wakes(60_000)).toBeGreaterThanOrEqual(119)
  vi.advanceTimersByTime(20_000)
  expect(wakes(150_000)).toBe(10)
  expect(vi.getTimerCount()).toBe(1)
  seen.watch.used(21)
  expect(wakes(10_000)).toBe(20)
  seen.watch.stop()
  expect(vi.getTimerCount()).toBe(0)
  expect([seen.dead, seen.lost]).toEqual([0, 0])
})

test('while something is under way, a connection is not idle', () => {
  const seen = watched()
  seen.busy = true
  vi.advanceTimersByTime(120_000)
  seen.probes = 0
  vi.advanceTimersByTime(10_000)
  expect(seen.probes).toBe(20)
})

test('what is due in a year is waited for, and not asked for without a pause', () => {
  vi.useFakeTimers()
  let woken = 0
  const year = monotonic() + 365 * 86_400_000
  const alarm: Alarm = new Alarm(() => {
    woken++
    alarm.wakeBy(year)
  })
  alarm.wakeBy(year)
  vi.advanceTimersByTime(30 * 86_400_000)
  expect(woken).toBe(1)
  alarm.stop()
})

test('a connection without a path ends when the time is over in which it may find one', () => {
  const seen = watched()
  expect([seen.watch.changed(false), seen.watch.changed(false)]).toEqual([true, false])
  vi.advanceTimersByTime(TIMES.graceMs - 1)
  expect(seen.watch.changed(true)).toBe(false)
  vi.advanceTimersByTime(TIMES.graceMs)
  expect(seen.lost).toBe(0)
  expect(seen.watch.changed(false)).toBe(true)
  vi.advanceTimersByTime(TIMES.graceMs)
  expect(seen.lost).toBe(1)
})

test('in a process that was held up, what has come meanwhile is read before anybody is taken for silent', async () => {
  const order: string[] = []
  const [near, far] = await socketPair()
  near.on('data', () => order.push('heard'))
  const alarm = new Alarm(() => order.push('woken'))
  alarm.wakeBy(monotonic() + 20)
  far.write('here')
  const end = monotonic() + 300
  while (monotonic() < end);
  await until(() => order.includes('woken'))
  expect(order).toEqual(['heard', 'woken'])
})

/** Both ends of a TCP connection. */
async function socketPair(): Promise<[Socket, Socket]> {
  const accepted: Socket[] = []
  const { port } = await listening((socket) => accepted.push(socket))
  const far = connect(port, '127.0.0.1')
  testCleanup().defer('network', () => void far.destroy())
  await until(() => accepted.length === 1)
  return [accepted[0] as Socket, far]
}
