import { describe, expect, test } from 'vitest'
import type { Clock } from '../src/clock.ts'
import { Valve } from '../src/archive/valve.ts'
import { Stop } from '../src/stop.ts'

const DAY_MS: number = 24 * 60 * 60 * 1000

/** A clock that waits no time, and notes how long it should have. */
class Noting implements Clock {
  nowMs = 1_700_000_000_000
  readonly waits: number[] = []

  now(): number {
    return this.nowMs
  }

  after(ms: number, callback: () => void): () => void {
    this.waits.push(ms)
    queueMicrotask(callback)
    return () => {}
  }
}

describe('a limit of 1000 bytes a second', () => {
  test('makes what comes next wait for what went before', async () => {
    const clock = new Noting()
    const valve = new Valve(clock, 1000)
    for (let i = 0; i < 3; i++) await valve.pass(500, new Stop())
    expect(clock.waits).toEqual([500, 1000])
  })

  test('holds the same when the clock is set back, by however much', async () => {
    const clock = new Noting()
    const valve = new Valve(clock, 1000)
    await valve.pass(500, new Stop())
    for (let i = 0; i < 3; i++) {
      clock.nowMs -= 3 * DAY_MS
      await valve.pass(500, new Stop())
    }
    expect(clock.waits).toEqual([500, 1000, 1500])
  })

  test('lets more pass when the clock is set forward, and then holds again', async () => {
    const clock = new Noting()
    const valve = new Valve(clock, 1000)
    await valve.pass(500, new Stop())
    clock.nowMs += 3 * DAY_MS
    for (let i = 0; i < 2; i++) await valve.pass(500, new Stop())
    expect(clock.waits).toEqual([500])
  })
})
