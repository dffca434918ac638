import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Random choices that a seed repeats. Its functions may be passed on their own. */
export interface SeededRandom {
  /** In [0, 1), as `Math.random`. */
  float(): number
  /** In [min, max], both included; both 32-bit. */
  integer(min: number, max: number): number
  bytes(length: number): Uint8Array
  /** @throws Error when there is nothing to choose from */
  pick<T>(items: readonly T[]): T
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[]
}

/** xoroshiro128+ of pure-rand, the generator under fast-check. Not for keys. */
export function seededRandom(seed: number): SeededRandom {
  const generator = xoroshiro128plus(seed)
  const integer = (min: number, max: number): number => uniformInt(generator, min, max)
  return {
    integer,
    float: () => uniformFloat64(generator),
    bytes: (length) => Uint8Array.from({ length }, () => integer(0, 255)),
    pick: (items) => {
      if (items.length === 0) throw new Error('nothing to pick from')
      return items[integer(0, items.length - 1)] as (typeof items)[number]
    },
    shuffle: (items) => {
      const shuffled = [...items]
      // Fisher–Yates: what is chosen of the first i + 1 goes to the end.
      for (let i = shuffled.length - 1; i > 0; i--) {
        const [chosen] = shuffled.splice(integer(0, i), 1)
        shuffled.push(chosen as (typeof items)[number])
      }
      return shuffled
    }
  }
}
