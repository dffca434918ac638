import { expect, test } from 'vitest'
import { type SeededRandom, seededRandom } from '../src/index.ts'

function sample({ float, integer, bytes, pick, shuffle }: SeededRandom) {
  return [float(), integer(-5, 5), [...bytes(8)], pick(['a', 'b', 'c', 'd']), shuffle([1, 2, 3, 4, 5, 6])]
}

test('a seed repeats, another seed differs', () => {
  expect(sample(seededRandom(1))).toEqual(sample(seededRandom(1)))
  expect(sample(seededRandom(1))).not.toEqual(sample(seededRandom(2)))
})

test('numbers stay in their range and reach its ends', () => {
  const random = seededRandom(3)
  const integers = new Set(Array.from({ length: 200 }, () => random.integer(1, 4)))
  expect([...integers].sort()).toEqual([1, 2, 3, 4])
  for (let i = 0; i < 200; i++) {
    const float = random.float()
    expect(float).toBeGreaterThanOrEqual(0)
    expect(float).toBeLessThan(1)
  }
})

test('a shuffle is a copy with the same items, and every order comes up', () => {
  const random = seededRandom(4)
  const items = [1, 2, 3]
  const orders = new Set(Array.from({ length: 200 }, () => random.shuffle(items).join('')))
  expect([...orders].sort()).toEqual(['123', '132', '213', '231', '312', '321'])
  expect(items).toEqual([1, 2, 3])
})

test('every item is picked some time', () => {
  const random = seededRandom(6)
  const picked = new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])))
  expect([...picked].sort()).toEqual(['a', 'b', 'c'])
})

test('nothing cannot be picked from', () => {
  expect(() => seededRandom(5).pick([])).toThrow('nothing to pick from')
})
