import { expect, test } from 'vitest'
import { fakeClock } from '../src/index.ts'

test('stands still, advances and jumps', () => {
  const { now, advance, set } = fakeClock(1000)
  expect([now(), now()]).toEqual([1000, 1000])
  advance(5)
  expect(now()).toBe(1005)
  set(10)
  expect(now()).toBe(10)
  advance(-3)
  expect(now()).toBe(7)
})

test('starts at 0', () => {
  expect(fakeClock().now()).toBe(0)
})
