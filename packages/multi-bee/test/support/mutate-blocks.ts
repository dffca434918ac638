import type { SeededRandom } from '@cloudpal/test-kit'
import b4a from 'b4a'
import c from 'compact-encoding'

/** Numbers that readers stumble over, as `uint`s of the wire; the last ones are over the limit, or cut short. */
const NUMBERS = [
  '00',
  '01',
  'fc',
  'fdffff',
  'feffffffff',
  'ffffffffffffff1f00',
  'ff0000000000002000',
  'ffffffffffffffffff',
  'ff'
]

type Mutation = (block: number[], random: SeededRandom, others: readonly Uint8Array[]) => void

/** Often near the end: what stands there can be changed without making nonsense of the rest. */
function placeIn({ length }: readonly number[], random: SeededRandom): number {
  return random.float() < 0.5 ? random.integer(0, length) : random.integer(Math.max(0, length - 12), length)
}

/** A stretch of a block. */
function section(bytes: Iterable<number>, random: SeededRandom): number[] {
  const all = [...bytes]
  const start = placeIn(all, random)
  return all.slice(start, start + random.integer(1, 40))
}

const MUTATIONS: Record<string, Mutation> = {
  flip(block, random) {
    const place = placeIn(block, random)
    if (place < block.length) block[place] = (block[place] ?? 0) ^ (1 << random.integer(0, 7))
  },
  change(block, random) {
    const place = placeIn(block, random)
    if (place < block.length) block[place] = random.integer(0, 255)
  },
  truncate(block, random) {
    block.length = placeIn(block, random)
  },
  splice(block, random, others) {
    block.splice(placeIn(block, random), random.integer(0, 20), ...section(random.pick(others), random))
  },
  cross(block, random, others) {
    const other = [...random.pick(others)]
    block.splice(placeIn(block, random), block.length, ...other.slice(placeIn(other, random)))
  },
  number(block, random) {
    block.splice(placeIn(block, random), random.integer(0, 2), ...b4a.from(random.pick(NUMBERS), 'hex'))
  },
  repeat(block, random) {
    block.splice(placeIn(block, random), 0, ...section(block, random))
  },
  drop(block, random) {
    block.splice(placeIn(block, random), random.integer(1, 4))
  },
  version(block, random) {
    // Seldom: it ends the log.
    if (random.integer(0, 9) === 0) block[0] = random.pick([0, 2, 255])
  },
  time(block, random) {
    const end = random.pick([b4a.alloc(8), b4a.alloc(8, 255), random.bytes(8)])
    block.splice(2, 8, ...end)
  },
  flags(block, random) {
    block[1] = random.pick([0, 1, 2, 4, 5, 6, 7, 8, 255])
  },
  chain(block, random) {
    block[1] = (block[1] ?? 0) | 4
    block.splice(10, 0, ...c.encode(c.uint, random.pick([0, 1, 2, 3, 5, 64, 65, 2 ** 32])))
  },
  continuation(block) {
    block.splice(0, block.length, 1, 1, 0)
  },
  replace(block, random, others) {
    block.splice(0, block.length, ...random.pick(others))
  },
  empty(block) {
    block.length = 0
  }
}

/** A block that is not what it was: one to three things about it are changed. */
export function mutate(block: Uint8Array, random: SeededRandom, others: readonly Uint8Array[]): Uint8Array {
  for (;;) {
    const bytes = [...block]
    for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--)
      random.pick(Object.values(MUTATIONS))(bytes, random, others)
    const mutated = b4a.from(bytes)
    if (!b4a.equals(mutated, block)) return mutated
  }
}
