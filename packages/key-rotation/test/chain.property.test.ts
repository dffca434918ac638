import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeChain, verify } from '../src/index.ts'
import { fullChain } from './full-chain.ts'
import { codeOf } from './people.ts'
import { goodStep, RandomWorld } from './random-worlds.ts'

// Thousands of signatures: on a busy machine that takes longer than other tests.
const chain = fullChain()
const bytes = chain.toBytes()
const trusted = chain.state.identity

/** A chain of somebody's own, of at least three events. */
const lives = fc
  .array(goodStep, { minLength: 12, maxLength: 40 })
  .map((steps) => {
    const world = new RandomWorld()
    world.live(steps)
    return world
  })
  .filter((world) => world.events.length > 2)

function codeOfChain(
  given: Uint8Array | readonly Uint8Array[],
  identity: Uint8Array = trusted
): string | null {
  return codeOf(() => verify(given, { trusted: identity }))
}

test('a change of any single byte is refused, in each place of a chain with every kind of event', () => {
  const taken: number[] = []
  for (const i of bytes.keys()) {
    const changed = Buffer.from(bytes)
    // Another bit in each place; the property below takes any.
    changed[i] = (bytes[i] as number) ^ (1 << (i % 8))
    if (codeOfChain(changed) === null) taken.push(i)
  }
  expect(taken).toEqual([])
})

test('a change of any single byte to any other is refused in any chain', () => {
  fc.assert(
    fc.property(lives, fc.nat(), fc.integer({ min: 1, max: 255 }), (world, place, difference) => {
      const given = encodeChain(world.events)
      const at = place % given.length
      const identity = world.state?.identity ?? trusted
      expect(codeOfChain(given, identity)).toBe(null)
      given[at] = (given[at] as number) ^ difference
      expect([at, codeOfChain(given, identity)]).not.toEqual([at, null])
    }),
    { numRuns: 100 }
  )
})

test('any sequence of valid events verifies; any other order, and any event left out but the last, is refused', () => {
  fc.assert(
    fc.property(lives, fc.nat(), fc.nat(), (world, a, b) => {
      const { events } = world
      const identity = world.state?.identity ?? trusted
      expect(verify(events, { trusted: identity }).state).toEqual(world.state)
      const [i, j] = [a % events.length, b % events.length]
      const swapped = [...events]
      ;[swapped[i], swapped[j]] = [events[j] as Uint8Array, events[i] as Uint8Array]
      if (i !== j) expect(codeOfChain(swapped, identity)).not.toBe(null)
      const without = events.filter((_, at) => at !== i)
      if (i < events.length - 1) expect(codeOfChain(without, identity)).not.toBe(null)
      const twice = events.flatMap((event, at) => (at === i ? [event, event] : [event]))
      expect(codeOfChain(twice, identity)).not.toBe(null)
      // The end left out is a chain, too: only who remembers more can tell.
      const { seq, hash } = world.state ?? {}
      if (seq !== undefined && hash !== undefined)
        expect(codeOf(() => verify(events.slice(0, -1), { trusted: { identity, seq, hash } }))).toBe(
          'KEY_ROTATION_ROLLBACK'
        )
    }),
    { numRuns: 100 }
  )
})

test('parts of two chains do not go together, also where both are of one identity', () => {
  const few = fc.array(goodStep, { minLength: 6, maxLength: 20 })
  fc.assert(
    fc.property(few, few, few, fc.nat(), fc.nat(), (common, steps, others, a, b) => {
      const [one, other] = [new RandomWorld(), new RandomWorld()]
      one.live([...common, ...steps])
      other.live([...common, ...others])
      const identity = one.state?.identity ?? trusted
      const [head, tail] = [one.events.slice(0, 1 + (a % one.events.length)), b % other.events.length]
      const isFork =
        head.length === tail &&
        head.every((event, i) => Buffer.compare(event, other.events[i] ?? bytes) === 0)
      if (!isFork) expect(codeOfChain([...head, ...other.events.slice(tail)], identity)).not.toBe(null)
    }),
    { numRuns: 100 }
  )
})

test('whatever bytes come, verification says a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
      expect(codeOfChain(noise)).not.toBe(null)
      expect(codeOfChain([noise])).not.toBe(null)
    }),
    { numRuns: 500 }
  )
})

test('a chain that is cut off anywhere is refused', () => {
  const taken = [...bytes.keys()].filter((length) => codeOfChain(bytes.subarray(0, length)) === null)
  expect(taken).toEqual([])
})
