import b4a from 'b4a'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eachBody, frame, FRAME, FrameReader, MAX_DATA_BYTES } from '../src/protocol/frames.ts'

interface Sent {
  readonly type: number
  readonly body: Uint8Array
}

const length = fc.oneof(
  fc.nat(12),
  fc.nat(1_024),
  fc.constantFrom(MAX_DATA_BYTES, MAX_DATA_BYTES - 1, 65_536 - 4)
)
const sent = fc.record({
  type: fc.constantFrom(FRAME.DATA, FRAME.DATA, FRAME.CONTROL),
  length,
  fill: fc.nat(255)
})
const cut = fc.oneof(fc.nat(5), fc.nat(2_000), fc.constant(65_536))

function bodyOf({ type, length, fill }: { type: number; length: number; fill: number }): Sent {
  const bytes = type === FRAME.DATA ? length : Math.min(length, 1_024)
  return { type, body: b4a.from(Uint8Array.from({ length: bytes }, (_, i) => (fill + i) & 255)) }
}

/** As they come off a socket: each in memory of its own. */
function* chunksOf(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const end = at + Math.max(1, cuts[i % cuts.length] ?? bytes.length)
    yield Uint8Array.from(bytes.subarray(at, end))
    at = end
  }
}

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 30 }),
      fc.array(cut, { minLength: 1, maxLength: 20 }),
      (plans, cuts) => {
        const frames = plans.map(bodyOf)
        const seen: Sent[] = []
        const passedOn: Uint8Array[] = []
        const reader = new FrameReader({
          onframe: (type, body) => seen.push({ type, body: body.slice() }),
          ondata: (run) => {
            passedOn.push(...run)
            eachBody(run, (body) => seen.push({ type: FRAME.DATA, body }))
          },
          oninvalid: () => expect.unreachable()
        })
        for (const chunk of chunksOf(b4a.concat(frames.map(({ type, body }) => frame(type, body))), cuts))
          reader.push(chunk)
        const text = ({ type, body }: Sent): string => `${type} ${b4a.toString(body, 'hex')}`
        expect(seen.map(text)).toEqual(frames.map(text))
        expect(reader.heldBytes).toBe(0)
        const data = frames
          .filter(({ type }) => type === FRAME.DATA)
          .map(({ type, body }) => frame(type, body))
        expect(b4a.equals(b4a.concat(passedOn), b4a.concat(data))).toBe(true)
      }
    )
  )
})

test('what is passed on was not copied, but for what was cut in its header', () => {
  const chunks = [
    ...chunksOf(
      b4a.concat(Array.from({ length: 9 }, () => frame(FRAME.DATA, b4a.alloc(MAX_DATA_BYTES)))),
      [65_536]
    )
  ]
  const memory = new Set(chunks.map(({ buffer }) => buffer))
  let copied = 0
  const reader = new FrameReader({
    onframe: () => expect.unreachable(),
    ondata: (run) => {
      for (const part of run) if (!memory.has(part.buffer)) copied += part.length
    },
    oninvalid: () => expect.unreachable()
  })
  for (const chunk of chunks) reader.push(chunk)
  // Ends of chunks that are less than half of them.
  expect(copied).toBeLessThan(4 * 32_768)
})

test('a frame that is not whole keeps at most twice its bytes of memory', () => {
  const chunk = new Uint8Array(65_536)
  const whole = frame(FRAME.DATA, b4a.alloc(60_000))
  chunk.set(whole)
  chunk.set(frame(FRAME.DATA, b4a.alloc(10_000)).subarray(0, chunk.length - whole.length), whole.length)
  const runs: (readonly Uint8Array[])[] = []
  const reader = new FrameReader({ onframe: () => {}, ondata: (run) => runs.push(run), oninvalid: () => {} })
  reader.push(chunk)
  reader.push(new Uint8Array(10_000))
  expect(runs).toHaveLength(2)
  const held = runs[1]?.[0]
  expect(held?.buffer.byteLength).toBeLessThanOrEqual(2 * (held?.length ?? 0))
})
