import { expect, test } from 'vitest'
import { ReceiveQueue } from '../src/flow/receive-queue.ts'

test('what comes early does not keep more memory than its window, however small the segments are in what came', () => {
  const windowBytes = 128 * 1024
  const kept = new Set<ArrayBufferLike>()
  const queue = new ReceiveQueue(
    windowBytes,
    (bytes) => kept.add(bytes.buffer),
    () => {}
  )
  for (let i = 0; i < 1_000; i++) {
    // As it comes off a socket: one byte of the stream, and other frames around it.
    const chunk = new Uint8Array(65_536)
    expect(queue.arrive(1 + i, chunk.subarray(9, 10), false)).toBe('early')
  }
  queue.arrive(0, new Uint8Array(1), false)
  const bytes = [...kept].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  expect(bytes).toBeLessThan(16 * windowBytes)
})

test.each([
  ['in order', (i: number) => 1 + i],
  ['from the end', (i: number, of: number) => of - i]
])('segments that come early, %s, cost no work that grows with the square of their number', (_, offsetOf) => {
  const count = 20_000
  const bytes = new Uint8Array(1)
  const queue = new ReceiveQueue(
    4 * 1024 * 1024,
    () => {},
    () => {}
  )
  const moved = elementsMoved(() => {
    for (let i = 0; i < count; i++) queue.arrive(offsetOf(i, count), bytes, false)
    queue.arrive(0, bytes, false)
  })
  expect(moved).toBeLessThan(100 * count)
})

test('after the end of a stream nothing more comes of it', () => {
  const told: string[] = []
  const queue = new ReceiveQueue(
    128 * 1024,
    () => told.push('bytes'),
    () => told.push('end')
  )
  queue.arrive(0, new Uint8Array(0), true)
  queue.arrive(1, new Uint8Array(10), false)
  queue.arrive(11, new Uint8Array(0), true)
  expect(told).toEqual(['end'])
})

test('what came early and follows the end is seen when the end comes', () => {
  const told: string[] = []
  const queue = new ReceiveQueue(
    128 * 1024,
    () => told.push('bytes'),
    () => told.push('end')
  )
  expect(queue.arrive(2, new Uint8Array(10), false)).toBe('early')
  expect(queue.arrive(1, new Uint8Array(0), true)).toBe('early')
  expect(queue.arrive(0, new Uint8Array(1), false)).toBe('too much')
  expect(told).toEqual(['bytes', 'end'])
})

/** How many elements of arrays had to make room, or to close up, meanwhile. */
function elementsMoved(work: () => void): number {
  const { shift, splice } = Array.prototype
  let moved = 0
  const counting = {
    shift(this: unknown[]) {
      moved += this.length
      return shift.call(this)
    },
    splice(this: unknown[], start: number, gone: number, ...items: unknown[]) {
      moved += this.length - start
      return splice.call(this, start, gone, ...items)
    }
  }
  try {
    Object.assign(Array.prototype, counting)
    work()
  } finally {
    Object.assign(Array.prototype, { shift, splice })
  }
  return moved
}

test('early bytes wait in few pieces, however small they come, and come out in order', () => {
  const delivered: Uint8Array[] = []
  const queue = new ReceiveQueue(
    1 << 20,
    (bytes) => delivered.push(bytes),
    () => {}
  )
  for (let offset = 1; offset < 20_000; offset++)
    expect(queue.arrive(offset, Uint8Array.of(offset % 251), false)).toBe('early')
  queue.arrive(0, Uint8Array.of(0), false)
  expect(delivered.length).toBeLessThan(10)
  expect(
    Buffer.concat(delivered).equals(Buffer.from(Array.from({ length: 20_000 }, (_, i) => i % 251)))
  ).toBe(true)
})
