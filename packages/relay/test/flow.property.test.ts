import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Message, World } from './flow-world.ts'

type Of<T> = T extends fc.Arbitrary<infer V> ? V : never

const side = fc.constantFrom(0 as const, 1 as const)
const path = fc.nat(5)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      side,
      length: fc.integer({ min: 20, max: 300 })
    })
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('deliver' as const), side, path }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('take' as const), side, length: fc.integer({ min: 1, max: 400 }) })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), rank: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), side, path, lose: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('probe' as const), side, path }) }
)

/** What whoever carries a path can do to what is under way there, `at` the so-maniest message of a direction. */
const lie = fc.record({
  do: fc.constantFrom(
    'swallow' as const,
    'hold' as const,
    'release' as const,
    'repeat' as const,
    'change' as const
  ),
  side,
  path,
  at: fc.nat(5),
  to: side,
  elsewhere: path
})

/** Paths are named from the newest backwards, so that a step mostly means one that lives. */
const nameOf = (world: World, path: number): number => [...world.links.keys()].at(-1 - path) ?? 0

function run(world: World, one: Of<typeof step>): void {
  const named = 'path' in one ? nameOf(world, one.path) : 0
  if (one.do === 'write') world.write(one.side, one.length)
  if (one.do === 'deliver') world.deliver(named, one.side)
  if (one.do === 'take') world.take(one.side, one.length)
  if (one.do === 'join') world.join(one.rank)
  if (one.do === 'cut') world.close(named, one.side, one.lose)
  if (one.do === 'retire') world.sides[0].flow.retirePath(named)
  if (one.do === 'wait') world.now += one.ms
  if (one.do === 'probe') world.sides[one.side].flow.probe(named)
}

/** Lies. What is held may be let go into another direction, or on another path. */
function meddle(world: World, held: Message[], one: Of<typeof lie>): void {
  const queue = world.links.get(nameOf(world, one.path))?.queues[one.side] ?? []
  const message = queue[one.at]
  if (one.do === 'release') {
    const target = world.links.get(nameOf(world, one.elsewhere))?.queues[one.to]
    if (held.length > 0) target?.splice(one.at, 0, ...held.splice(0, 1))
  }
  if (message === undefined) return
  if (one.do === 'swallow' || one.do === 'hold') queue.splice(one.at, 1)
  if (one.do === 'hold' || one.do === 'repeat') held.push(message)
  if (one.do !== 'change') return
  const bytes = Uint8Array.from(message.bytes)
  const place = (one.elsewhere * 7 + one.at) % bytes.length
  bytes[place] = (bytes[place] ?? 0) ^ 1
  queue[one.at] = { ...message, bytes }
}

/** What each side has received is a prefix of what the other wrote. */
function check({ sides }: World): void {
  for (const me of [0, 1] as const) {
    const { received } = sides[me]
    expect(received.length).toBeLessThanOrEqual(sides[me === 0 ? 1 : 0].written)
    expect(received.every((byte, i) => byte === i % 251)).toBe(true)
  }
}

test('whatever paths come and go, at any byte, nothing is lost, repeated or out of order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const world = new World()
      world.join(3)
      for (const one of steps) {
        run(world, one)
        check(world)
      }
      world.settle()
      // Another path would have everything said again.
      if (world.sides.some(({ flow }) => flow.best === null)) world.join(0)
      world.settle()
      // Whatever was lost, room for more was not.
      expect(world.sides.map(({ flow }) => flow.heldBytes)).toEqual([0, 0])
      for (const { flow } of world.sides) flow.finish()
      world.settle()
      check(world)
      const [a, b] = world.sides
      expect([a.received.length, b.received.length]).toEqual([b.written, a.written])
      expect([a.finished, b.finished, a.flow.allTaken, b.flow.allTaken]).toEqual([true, true, true, true])
      expect(world.faults).toEqual([])
    }),
    { numRuns: Number(process.env['FLOW_RUNS'] ?? 1_000) }
  )
})

test('whoever carries a path and lies is found out by the next message there, nobody else is, and nothing is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 6, arbitrary: step }, { weight: 2, arbitrary: lie }), { maxLength: 120 }),
      (steps) => {
        const world = new World()
        const held: Message[] = []
        world.join(3)
        for (const one of steps) {
          if ('elsewhere' in one) meddle(world, held, one)
          else run(world, one)
          check(world)
          expect(world.faults).toEqual([])
        }
        world.ask()
        const honest = world.join(0)
        world.settle()
        for (const { flow } of world.sides) flow.finish()
        world.settle()
        check(world)
        const [a, b] = world.sides
        expect([a.received.length, b.received.length]).toEqual([b.written, a.written])
        expect([a.finished, b.finished, a.flow.allTaken, b.flow.allTaken]).toEqual([true, true, true, true])
        expect(world.convicted.has(honest)).toBe(false)
        expect(world.faults).toEqual([])
      }
    ),
    { numRuns: Number(process.env['FLOW_RUNS'] ?? 1_000) }
  )
})

test('as long as no path dies, no byte is sent twice: not when paths are joined, and not when they are left', () => {
  const peaceful = fc.array(
    step.filter((one) => one.do !== 'cut'),
    { maxLength: 120 }
  )
  fc.assert(
    fc.property(peaceful, (steps) => {
      const world = new World()
      world.join(3)
      for (const one of steps) run(world, one)
      world.settle()
      const [a, b] = world.sides
      expect([a.received.length, b.received.length]).toEqual([b.written, a.written])
      expect(world.sentBytes).toBe(a.written + b.written)
      expect(world.faults).toEqual([])
    }),
    { numRuns: Number(process.env['FLOW_RUNS'] ?? 1_000) }
  )
})
