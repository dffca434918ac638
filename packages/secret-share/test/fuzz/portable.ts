// Bundled and run in a browser and on Bare: fewer recoveries, with the same model.
import type { SeededRandom } from '@cloudpal/test-kit'
import { fuzzRecoveries, type Tally } from './recoveries.ts'

/** As test-kit's, which needs Node. mulberry32, public domain, Tommy Ettinger. */
function portableRandom(seed: number): SeededRandom {
  let state = seed
  const float = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min: number, max: number): number => min + Math.floor(float() * (max - min + 1))
  return {
    float,
    integer,
    bytes: (length) => Uint8Array.from({ length }, () => integer(0, 255)),
    pick: (items) => items[integer(0, items.length - 1)] as (typeof items)[number],
    shuffle: (items) =>
      items
        .map((item) => ({ item, rank: float() }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ item }) => item)
  }
}

export function fuzzAnywhere(recoveries: number, seed: number): Tally {
  return fuzzRecoveries(recoveries, portableRandom(seed))
}
