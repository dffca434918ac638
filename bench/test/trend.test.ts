import { expect, test } from 'vitest'
import { trend } from '../soak/trend.mjs'

const SECOND = 1000

/** A sample every five seconds for ten minutes. */
function run(value: (seconds: number) => number): { ms: number; value: number }[] {
  return Array.from({ length: 120 }, (_, i) => ({ ms: (i + 1) * 5 * SECOND, value: value((i + 1) * 5) }))
}

test('memory that rises all the time grows, by its slope', () => {
  const found = trend(run((seconds) => 20 + seconds / 60))
  expect(found?.isGrowing).toBe(true)
  expect(found?.perHour).toBeCloseTo(60)
  expect(found?.most).toBeCloseTo(30)
})

test('memory that rises in the first half only does not grow', () => {
  expect(trend(run((seconds) => 20 + Math.min(seconds, 300) / 60))?.isGrowing).toBe(false)
})

test('memory that goes up and down does not grow, and one outlier changes nothing', () => {
  expect(trend(run((seconds) => 20 + (seconds % 30) / 10))?.isGrowing).toBe(false)
  expect(trend(run((seconds) => (seconds === 600 ? 200 : 20)))?.isGrowing).toBe(false)
})

test('a short run says nothing', () => {
  expect(trend(run((seconds) => seconds).slice(0, 20))).toBeNull()
})
