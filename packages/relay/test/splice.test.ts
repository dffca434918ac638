import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testCleanup } from '@cloudpal/test-kit'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { createGrant } from '../src/index.ts'
import { LEAST_BYTES_PER_SECOND } from '../src/policy/grant.ts'
import { frame, FRAME, framesOf } from '../src/protocol/frames.ts'
import { type Lease, RelayPolicy } from '../src/server/index.ts'
import { Splice, type SpliceSide } from '../src/server/splice.ts'
import type { Wire } from '../src/wires/wire.ts'

afterEach(() => void vi.useRealTimers())

/** A side that only notes what is written to it. */
interface Side extends SpliceSide {
  readonly written: { readonly at: number; readonly bytes: Buffer }[]
  paused: boolean
  roomy: boolean
}

function sideOf(lease: Lease): Side {
  const side: Side = {
    lease,
    deadline: Infinity,
    written: [],
    paused: false,
    roomy: true,
    refuse: () => {},
    leave: () => {},
    expire: () => {},
    send: () => {},
    wire: {
      write: (...parts: Uint8Array[]) => {
        side.written.push({ at: Date.now(), bytes: Buffer.concat(parts) })
        return side.roomy
      },
      pause: () => (side.paused = true),
      resume: () => (side.paused = false)
    } as unknown as Wire
  }
  return side
}

interface Spliced {
  readonly a: Side
  readonly b: Side
  readonly splice: Splice
}

/** Splices of one device, which has a grant of this rate, with others that have one each: 0 is no limit. */
function splicesOf(count: number, rate: number, rateOfOthers = 0): Spliced[] {
  vi.useFakeTimers()
  const owner = crypto.keyPair()
  const now = (): number => Date.now()
  const policy = new RelayPolicy(crypto.keyPair().publicKey, { issuers: [owner.publicKey], now })
  const someone = (bytesPerSecond: number): (() => Side) => {
    const device = crypto.keyPair().publicKey
    const grant = createGrant(owner, { device, expiresAt: now() + 3_600_000, bytesPerSecond })
    return () => sideOf(policy.admit(device, grant) as Lease)
  }
  const first = someone(rate)
  return Array.from({ length: count }, () => {
    const sides = { a: first(), b: someone(rateOfOthers)() }
    const splice = new Splice(sides.a, sides.b, { now, onbytes: () => {} })
    testCleanup().defer('stream', () => splice.end(sides.a))
    return { ...sides, splice }
  })
}

/** Each side sends a run whenever it is read. */
function talk(splices: readonly Spliced[], run: Uint8Array, forMs: number): void {
  for (let ms = 0; ms < forMs; ms += 10) {
    for (const { a, b, splice } of splices)
      for (const side of [a, b]) if (!side.paused) splice.forward(side, [run])
    vi.advanceTimersByTime(10)
  }
}

const lengthOf = ({ written }: Side): number => written.reduce((sum, { bytes }) => sum + bytes.length, 0)

test.each([1, 4, 8])(
  '%i connections of the least rate take turns: none is silent for long, and all keep to the rate',
  (count) => {
    const splices = splicesOf(count, LEAST_BYTES_PER_SECOND)
    const begun = Date.now()
    const run = Buffer.concat(Array.from({ length: 32 }, () => frame(FRAME.DATA, new Uint8Array(2_048))))
    for (let ms = 0; ms < 30_000; ms += 50) {
      // Each sends whenever it is read.
      for (const { a, splice } of splices) if (!a.paused) splice.forward(a, [run])
      vi.advanceTimersByTime(50)
    }
    for (const { b } of splices) {
      const moments = [begun, ...b.written.map(({ at }) => at), Date.now()]
      const silences = moments.slice(1).map((at, i) => at - (moments[i] ?? 0))
      expect(Math.max(...silences)).toBeLessThan(1_500)
    }
    const carried = splices.reduce((sum, { b }) => sum + lengthOf(b), 0)
    // A second's worth at once, and for each what a turn is.
    const most = 31 * LEAST_BYTES_PER_SECOND + count * 8_192
    expect(carried).toBeLessThan(most)
    expect(carried).toBeGreaterThan(0.9 * 30 * LEAST_BYTES_PER_SECOND)
  }
)

test('what a device sends is its own to pay, whoever has opened', () => {
  const [one] = splicesOf(1, LEAST_BYTES_PER_SECOND)
  if (one === undefined) throw new Error('there is none')
  const { a, b, splice } = one
  const run = frame(FRAME.DATA, new Uint8Array(60_000))
  for (let i = 0; i < 10; i++) splice.forward(b, [run])
  expect([lengthOf(a), b.paused, a.lease?.usedBytes]).toEqual([10 * run.length, false, 0])
  splice.forward(a, [run])
  splice.forward(a, [run])
  expect([lengthOf(b), a.paused, a.lease?.usedBytes]).toEqual([2 * run.length, true, 2 * run.length])
})

test('frames pass whole, in order and each once, however they come, are held up, or find no room', () => {
  const step = fc.oneof(
    fc.record({
      send: fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 }),
      cut: fc.nat(100)
    }),
    fc.record({ wait: fc.nat(2_000) }),
    fc.record({ roomy: fc.boolean() })
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [one] = splicesOf(1, LEAST_BYTES_PER_SECOND)
      if (one === undefined) return
      const { a, b, splice } = one
      const sent: Buffer[] = []
      let n = 0
      for (const what of steps) {
        if ('wait' in what) vi.advanceTimersByTime(what.wait)
        else if ('roomy' in what) {
          b.roomy = what.roomy
          if (what.roomy) splice.drained(b)
        } else {
          const frames = what.send.map((length) => frame(FRAME.DATA, new Uint8Array(length).fill(n++)))
          sent.push(...frames.map((one) => Buffer.from(one)))
          // The first one may have been held, in two parts.
          const [first = new Uint8Array(0), ...rest] = frames
          const at = Math.min(4 + what.cut, first.length - 1)
          splice.forward(a, [first.subarray(0, at), Buffer.concat([first.subarray(at), ...rest])])
        }
      }
      b.roomy = true
      splice.drained(b)
      for (let i = 0; i < 100 && splice.heldBytes(a) > 0; i++) vi.advanceTimersByTime(1_000)
      expect(Buffer.concat(b.written.map(({ bytes }) => bytes)).equals(Buffer.concat(sent))).toBe(true)
      // Something else may be said between two writes: each ends with a frame.
      for (const { bytes } of b.written) {
        const whole = [...framesOf([bytes])].flat()
        expect(Buffer.concat(whole).equals(bytes)).toBe(true)
      }
      splice.end(a)
    })
  )
})

test('what is held up when one side has gone still reaches the other one', () => {
  const [one] = splicesOf(1, LEAST_BYTES_PER_SECOND)
  if (one === undefined) throw new Error('there is none')
  const { a, b, splice } = one
  const run = frame(FRAME.DATA, new Uint8Array(60_000))
  for (let i = 0; i < 4; i++) splice.forward(a, [run])
  expect(lengthOf(b)).toBeLessThan(4 * run.length)
  splice.end(a)
  expect(lengthOf(b)).toBe(4 * run.length)
})

test('a device that its own rate holds up does not hold up what others send it', () => {
  const splices = splicesOf(4, LEAST_BYTES_PER_SECOND, 1_000_000)
  talk(splices, frame(FRAME.DATA, new Uint8Array(65_536)), 10_000)
  for (const { a } of splices) expect(lengthOf(a)).toBeGreaterThan(9 * 1_000_000)
})

test.each([LEAST_BYTES_PER_SECOND, 1_000_000])(
  'a splice of two devices with a rate, one of %i bytes a second, has a timer for each, and none when it has ended',
  (rate) => {
    const splices = splicesOf(1, LEAST_BYTES_PER_SECOND, rate)
    const run = Buffer.concat(Array.from({ length: 32 }, () => frame(FRAME.DATA, new Uint8Array(2_048))))
    for (let i = 0; i < 5; i++) {
      talk(splices, run, 2_000)
      expect(vi.getTimerCount()).toBeLessThanOrEqual(2)
    }
    for (const { a, splice } of splices) splice.end(a)
    expect(vi.getTimerCount()).toBe(0)
  }
)

test('a device that closes and connects anew keeps to its rate, too', () => {
  const splices = splicesOf(100, LEAST_BYTES_PER_SECOND)
  const run = Buffer.concat(Array.from({ length: 32 }, () => frame(FRAME.DATA, new Uint8Array(2_048))))
  const begun = Date.now()
  for (const { a, splice } of splices) {
    splice.forward(a, [run])
    vi.advanceTimersByTime(100)
    splice.end(a)
  }
  const carried = splices.reduce((sum, { b }) => sum + lengthOf(b), 0)
  const due = ((Date.now() - begun) / 1_000 + 1) * LEAST_BYTES_PER_SECOND
  expect(carried).toBeGreaterThan(0.5 * due)
  // And what was held of the last one.
  expect(carried).toBeLessThan(due + 2 * run.length)
})

test('what a device sends on a new connection waits for what it owes, and then passes', () => {
  const [first, second] = splicesOf(2, LEAST_BYTES_PER_SECOND)
  if (first === undefined || second === undefined) throw new Error('there are none')
  const run = frame(FRAME.DATA, new Uint8Array(60_000))
  for (let i = 0; i < 2; i++) first.splice.forward(first.a, [run])
  second.splice.forward(second.a, [run])
  expect([lengthOf(second.b), second.a.paused]).toEqual([0, true])
  vi.advanceTimersByTime(1_000)
  expect(lengthOf(second.b)).toBe(run.length)
})

test.each([
  ['in one go', 1],
  ['one by one', 16_384]
])('empty frames that are held up, and came %s, cost about what is said to be held', (_, runs) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What buffers held is given back with the next one.
  const gc = (): void => [0, 1].forEach(collect)
  // So many that what the runtime does besides is little.
  const splices = splicesOf(32, LEAST_BYTES_PER_SECOND)
  const run = Buffer.alloc(65_536)
  for (let at = 0; at < run.length; at += 4) run[at] = FRAME.DATA
  const length = run.length / runs
  // More than a second's worth.
  for (const { a, splice } of splices) splice.forward(a, [frame(FRAME.DATA, new Uint8Array(69_632))])
  gc()
  const before = process.memoryUsage()
  for (const { a, splice } of splices) {
    const chunk = Buffer.from(run)
    for (let at = 0; at < chunk.length; at += length) splice.forward(a, [chunk.subarray(at, at + length)])
  }
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  const cost = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers
  const held = splices.reduce((sum, { a, splice }) => sum + splice.heldBytes(a), 0)
  expect(held).toBeGreaterThan(31 * run.length)
  expect(cost / held).toBeLessThan(5)
})

test('what is held up of a device whose quota is spent reaches nobody, also when it goes', () => {
  const [one] = splicesOf(1, LEAST_BYTES_PER_SECOND)
  if (one === undefined) throw new Error('there is none')
  const { a, b, splice } = one
  const run = frame(FRAME.DATA, new Uint8Array(60_000))
  for (let i = 0; i < 4; i++) splice.forward(a, [run])
  const before = lengthOf(b)
  vi.spyOn(a.lease as Lease, 'spend').mockReturnValue(null)
  splice.end(a)
  expect(lengthOf(b)).toBe(before)
})
