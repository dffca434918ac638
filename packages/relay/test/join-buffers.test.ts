import b4a from 'b4a'
import { expect, test } from 'vitest'
import { JoinBuffers } from '../src/wires/join-buffers.ts'

const bytes = (length: number, fill: number): Uint8Array => b4a.alloc(length, fill)

test('memory that was given back is used again, and not before', () => {
  const buffers = new JoinBuffers()
  const first = buffers.join([bytes(29, 1), bytes(65_000, 2)])
  const second = buffers.join([bytes(29, 3), bytes(65_000, 4)])
  expect(second.buffer).not.toBe(first.buffer)
  expect(b4a.equals(first, b4a.concat([bytes(29, 1), bytes(65_000, 2)]))).toBe(true)
  buffers.giveBack(first)
  const third = buffers.join([bytes(9, 5), bytes(5_000, 6)])
  expect(third.buffer).toBe(first.buffer)
  expect(b4a.equals(third, b4a.concat([bytes(9, 5), bytes(5_000, 6)]))).toBe(true)
  expect(b4a.equals(second, b4a.concat([bytes(29, 3), bytes(65_000, 4)]))).toBe(true)
})

test.each([
  ['little', 100],
  ['more than a frame', 100_000]
])('%s is joined in memory of its own', (_, length) => {
  const buffers = new JoinBuffers()
  const parts = [bytes(4, 1), bytes(length, 2)]
  const joined = buffers.join(parts)
  buffers.giveBack(joined)
  expect(b4a.equals(joined, b4a.concat(parts))).toBe(true)
  expect(buffers.join([bytes(29, 3), bytes(65_000, 4)]).buffer).not.toBe(joined.buffer)
})

test('few are kept, however many were under way', () => {
  const buffers = new JoinBuffers()
  const many = Array.from({ length: 100 }, () => buffers.join([bytes(4, 1), bytes(65_000, 2)]))
  for (const joined of many) buffers.giveBack(joined)
  const memory = new Set(many.map(({ buffer }) => buffer))
  const again = Array.from({ length: 100 }, () => buffers.join([bytes(4, 1), bytes(65_000, 2)]))
  expect(again.filter(({ buffer }) => memory.has(buffer))).toHaveLength(16)
})
