import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Flow } from '../src/flow/flow.ts'

/** One direction of a path: what was sent and has not arrived. */
type Queue = Uint8Array[]

/** A path between two flows, as the network sees it: each end may be gone without the other knowing. */
interface Link {
  readonly id: number
  readonly queues: readonly [Queue, Queue]
  readonly open: [boolean, boolean]
}

interface Side {
  readonly flow: Flow
  readonly received: number[]
  written: number
  /** Bytes delivered that the reader has not taken. */
  untaken: number
  finished: boolean
}

const WINDOW = 64

/** Two flows and the paths between them, moved one step at a time. Bytes are numbers that count up: any wrong one shows. */
class World {
  readonly links = new Map<number, Link>()
  readonly sides: readonly [Side, Side]
  readonly faults: string[] = []
  /** Bytes of the streams that were put on paths. */
  sentBytes = 0
  #next = 0

  constructor() {
    this.sides = [this.#side(0), this.#side(1)]
  }

  #side(me: 0 | 1): Side {
    const io = {
      transmit: (path: number, parts: readonly Uint8Array[]) => {
        const link = this.links.get(path)
        if (link === undefined || !link.open[me]) return true
        this.sentBytes += parts.length > 1 ? (parts[1]?.length ?? 0) : 0
        link.queues[me].push(Uint8Array.from(parts.flatMap((part) => [...part])))
        return link.queues[me].length < 6
      },
      deliver: (bytes: Uint8Array) => {
        side.received.push(...bytes)
        side.untaken += bytes.length
      },
      onfinish: () => {
        side.finished = true
      },
      onroom: () => {},
      onuntold: () => {},
      onreset: () => this.faults.push('reset'),
      onleft: () => {},
      onretired: (path: number) => this.close(path, me),
      onforsaken: (path: number) => this.close(path, me)
    }
    const side: Side = {
      flow: new Flow(io, WINDOW),
      received: [],
      written: 0,
      untaken: 0,
      finished: false
    }
    return side
  }

  join(rank: number): void {
    const link: Link = { id: this.#next++, queues: [[], []], open: [true, true] }
    this.links.set(link.id, link)
    for (const { flow } of [this.sides[1], this.sides[0]]) flow.addPath(link.id, rank)
  }

  write(me: 0 | 1, length: number): void {
    const side = this.sides[me]
    if (!side.flow.hasRoom) return
    side.flow.write(Uint8Array.from({ length }, (_, i) => (side.written + i) % 251))
    side.written += length
  }

  /** The next frame of a path arrives. */
  deliver(id: number, from: 0 | 1): boolean {
    const link = this.links.get(id)
    const bytes = link?.queues[from].shift()
    if (link === undefined || bytes === undefined) return false
    const to = from === 0 ? 1 : 0
    if (link.open[to]) {
      if (!this.sides[to].flow.receive(id, bytes)) this.faults.push(`a lie on ${id}`)
    }
    if (link.open[from]) this.sides[from].flow.drained(id)
    return true
  }

  /** One end is gone, with all that was on its way to it. What it had sent still arrives, if `lose` is not set. */
  close(id: number, me: 0 | 1, lose = false): void {
    const link = this.links.get(id)
    if (link === undefined || !link.open[me]) return
    link.open[me] = false
    if (lose) link.queues[me].length = 0
    this.sides[me].flow.dropPath(id)
  }

  take(me: 0 | 1, most: number): void {
    const side = this.sides[me]
    const taken = Math.min(most, side.untaken)
    side.untaken -= taken
    side.flow.took(taken)
  }

  /** All that is under way arrives, the other end of what was cut is noticed, and all is read. */
  settle(): void {
    for (let moved = true; moved;) {
      moved = false
      for (const { id, open } of this.links.values()) {
        for (const me of [0, 1] as const) {
          while (this.deliver(id, me)) moved = true
          if (open[me] || !open[me === 0 ? 1 : 0]) continue
          this.close(id, me === 0 ? 1 : 0)
          moved = true
        }
      }
      for (const me of [0, 1] as const) {
        if (this.sides[me].untaken > 0) moved = true
        this.take(me, Infinity)
        this.sides[me].flow.acknowledge()
      }
    }
  }
}

const side = fc.constantFrom(0 as const, 1 as const)
const path = fc.nat(5)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('write' as const), side, length: fc.integer({ min: 1, max: 30 }) })
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('deliver' as const), side, path }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('take' as const), side, length: fc.integer({ min: 1, max: 40 }) })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), rank: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), side, path, lose: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('probe' as const), side, path }) }
)

/** Paths are named from the newest backwards, so that a step mostly means one that lives. */
function run(world: World, one: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
  const named = 'path' in one ? ([...world.links.keys()].at(-1 - one.path) ?? 0) : 0
  if (one.do === 'write') world.write(one.side, one.length)
  if (one.do === 'deliver') world.deliver(named, one.side)
  if (one.do === 'take') world.take(one.side, one.length)
  if (one.do === 'join') world.join(one.rank)
  if (one.do === 'cut') world.close(named, one.side, one.lose)
  if (one.do === 'retire') world.sides[0].flow.retirePath(named)
  if (one.do === 'probe') world.sides[one.side].flow.probe(named)
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
      world.join(0)
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
