import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pace, PACE_LIMITS } from '../src/flow/pace.ts'

const WINDOW = 4 * 1024 * 1024

test('a sender that is answered soon sends twice as much each time, up to the window', () => {
  const pace = new Pace(WINDOW)
  const seen: number[] = []
  let [sent, now] = [0, 0]
  while (pace.mostBytes < WINDOW) {
    const from = sent
    sent += pace.mostBytes
    pace.sent(sent, from, now)
    now += 40
    pace.acknowledged(from, sent, now)
    seen.push(pace.mostBytes)
  }
  expect(seen).toEqual([32, 64, 128, 256, 512, 1024, 2048, 4096].map((kilobytes) => kilobytes * 1024))
})

test('who has little to send has not shown that more is carried', () => {
  const pace = new Pace(WINDOW)
  for (let sent = 0; sent < 1e6; sent += 1_000) {
    pace.sent(sent + 1_000, sent, sent)
    pace.acknowledged(sent, sent + 1_000, sent + 10)
  }
  expect(pace.mostBytes).toBe(PACE_LIMITS.startBytes)
})

test('of a path that is another one nothing is known', () => {
  const pace = new Pace(WINDOW)
  pace.sent(16_384, 0, 0)
  pace.acknowledged(0, 16_384, 2)
  expect(pace.mostBytes).toBe(32_768)
  pace.restart()
  expect(pace.mostBytes).toBe(PACE_LIMITS.startBytes)
})

test('whatever is acknowledged and when, some bytes may be under way, and no more than the window', () => {
  const event = fc.record({ bytes: fc.nat(100_000), answered: fc.nat(100), ms: fc.nat(5_000) })
  fc.assert(
    fc.property(
      fc.integer({ min: 65_536, max: WINDOW }),
      fc.array(event, { maxLength: 60 }),
      (window, events) => {
        const pace = new Pace(window)
        let [sent, acknowledged, now] = [0, 0, 0]
        for (const { bytes, answered, ms } of events) {
          sent += Math.min(bytes, Math.max(0, acknowledged + pace.mostBytes - sent))
          pace.sent(sent, acknowledged, now)
          now += ms
          const to = acknowledged + Math.floor(((sent - acknowledged) * answered) / 100)
          pace.acknowledged(acknowledged, to, now)
          acknowledged = to
          expect(pace.mostBytes).toBeGreaterThanOrEqual(PACE_LIMITS.leastBytes)
          expect(pace.mostBytes).toBeLessThanOrEqual(window)
          expect(pace.segmentBytes).toBeLessThanOrEqual(pace.mostBytes)
        }
      }
    )
  )
})
