import { expect, test } from 'vitest'
import { Line } from '../src/paths/line.ts'
import type { Path, PathEvents } from '../src/paths/path.ts'

/** A path whose other end is the test. */
class TestPath implements Path {
  readonly kind = 'tcp'
  readonly relay = null
  readonly transport = 'tcp'
  events: PathEvents | null = null
  closed = false

  start(events: PathEvents): void {
    this.events = events
  }

  send(): boolean {
    return true
  }

  end(): void {}

  destroy(): void {
    this.closed = true
    this.events?.onclose(null)
  }
}

function listen(line: Line): { heard: number[]; closed: boolean } {
  const seen = { heard: [] as number[], closed: false }
  line.hand({
    onmessage: ([first = -1]) => seen.heard.push(first),
    ondrain: () => {},
    onclose: () => (seen.closed = true)
  })
  return seen
}

test('what comes while nobody listens waits, in order, also for the one after next', () => {
  const path = new TestPath()
  const line = new Line(path)
  path.events?.onmessage(Uint8Array.of(1))
  path.events?.onmessage(Uint8Array.of(2))
  const heard: number[] = []
  line.hand({
    onmessage: ([first = -1]) => {
      heard.push(first)
      line.hold()
    },
    ondrain: () => {},
    onclose: () => {}
  })
  path.events?.onmessage(Uint8Array.of(3))
  expect(heard).toEqual([1])
  expect(listen(line).heard).toEqual([2, 3])
})

test('who sends more than can wait while nobody listens is cut off, and nothing of it is kept', () => {
  const path = new TestPath()
  const line = new Line(path)
  for (let i = 0; i < 17; i++) path.events?.onmessage(new Uint8Array(65_536))
  expect(listen(line)).toEqual({ heard: [], closed: true })
})

test('what waits on a path is bounded also where the messages are empty', () => {
  const path = new TestPath()
  const line = new Line(path)
  line.hold()
  for (let i = 0; i < 100_000 && !path.closed; i++) path.events?.onmessage(new Uint8Array(0))
  expect(path.closed).toBe(true)
})

test('what waits on a path does not keep all that came with it', () => {
  const path = new TestPath()
  const line = new Line(path)
  for (let i = 0; i < 100; i++) path.events?.onmessage(new Uint8Array(65_536).subarray(4, 5))
  let held = 0
  line.hand({
    onmessage: ({ buffer }) => void (held += buffer.byteLength),
    ondrain: () => {},
    onclose: () => {}
  })
  expect(held).toBe(100)
})
