import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BeeNode } from '../src/pack/bee-walk.ts'
import { Planner, type PlannedPage } from '../src/pack/planner.ts'

const LARGE = 20_000

/** A tree of any shape, whose nodes stand in any blocks; several may stand in one, as those of a batch do. */
const beeOf = (length: number, depth: number): fc.Arbitrary<BeeNode> => {
  const seq = fc.integer({ min: 1, max: length - 1 })
  const children =
    depth === 0 ? fc.constant<BeeNode[]>([]) : fc.array(beeOf(length, depth - 1), { maxLength: 4 })
  return fc.record({ seq, keys: fc.array(seq, { minLength: 1, maxLength: 8 }), children }).map((node) => ({
    ...node,
    weight: node.children.reduce((sum, { weight }) => sum + weight, node.keys.length)
  }))
}

/** All ways down, each with the blocks that a lookup on it reads. */
function* waysDown(node: BeeNode, before: readonly number[] = []): Generator<number[]> {
  const way = [...before, node.seq, ...node.keys]
  if (node.children.length === 0) yield way
  for (const child of node.children) yield* waysDown(child, way)
}

/** Reads blocks one after the other, as a reader that has nothing yet. */
function read(front: PlannedPage, way: readonly number[], sizeOf: (seq: number) => number) {
  const loaded = new Set([front])
  let elsewhere = 0
  for (const seq of way) {
    if ([...loaded].some(({ blocks }) => blocks.has(seq)) || sizeOf(seq) === LARGE) continue
    while (![...loaded].some(({ blocks }) => blocks.has(seq))) {
      const located = [...loaded].flatMap((page) =>
        page.entries.flatMap(([at, inside]) => (at === seq ? [page.pages[inside] as PlannedPage] : []))
      )
      const next = located.find((page) => !loaded.has(page))
      if (next === undefined) break
      loaded.add(next)
    }
    if (![...loaded].some(({ blocks }) => blocks.has(seq))) elsewhere++
  }
  return { pages: loaded.size - 1, elsewhere }
}

const planned = fc
  .integer({ min: 20, max: 400 })
  .chain((length) =>
    fc.tuple(fc.constant(length), beeOf(length, 4), fc.integer({ min: 100, max: 4000 }), fc.nat())
  )

describe('a plan of a bee', () => {
  test('has every block of every lookup in the front, or in a page that the block it misses leads to', () => {
    fc.assert(
      fc.property(planned, ([length, root, pageBytes, seed]) => {
        const sizeOf = (seq: number): number => ((seq * 31 + seed) % 17 === 0 ? LARGE : 40 + (seq % 100))
        const planner = new Planner(root, { length, height: 3, sizeOf, frontBytes: pageBytes, pageBytes })
        const front = planner.plan(root)
        for (const way of waysDown(root)) expect(read(front, way, sizeOf).elsewhere).toBe(0)
      }),
      { numRuns: 300 }
    )
  })

  test('keeps pages to their size: a page is larger only when a few blocks are', () => {
    const leaf = (seq: number): BeeNode => ({
      seq,
      keys: [seq, seq + 1, seq + 2, seq + 3],
      children: [],
      weight: 4
    })
    const inner = (seq: number, depth: number): BeeNode => {
      if (depth === 0) return leaf(seq)
      const children = [0, 1, 2, 3, 4].map((i) => inner(seq + 4 + i * (5 ** depth - 1), depth - 1))
      return { seq, keys: [seq, seq + 1, seq + 2, seq + 3], children, weight: 5 ** (depth + 1) - 1 }
    }
    const root = inner(1, 5)
    const sizeOf = (): number => 100
    const [frontBytes, pageBytes] = [20_000, 30_000]
    const planner = new Planner(root, { length: 5 ** 6, height: 6, sizeOf, frontBytes, pageBytes })
    const front = planner.plan(root)
    const sizes = front.pages.map(({ blocks }) => planner.costOf(blocks))
    expect(Math.max(...sizes)).toBeLessThan(pageBytes * 1.2)
    expect(planner.costOf(front.blocks)).toBeLessThan(frontBytes * 2)
  })
})
