import flat from 'flat-tree'
import { storedNodes } from '../hypercore-adapter.ts'
import { coverOf, spanOf, type TreeNode } from '../merkle/subtree.ts'
import type { CoreLike } from '../types.ts'

/** Blocks from the first up to the end. */
export type Run = readonly [start: number, end: number]

/**
 * Runs without the blocks that the core can prove no more. To give a block up, Hypercore forgets its hash, and sometimes that of the block beside it
 * (hypercore 11.37, lib/session-state.js, `clear`); then nothing shows that the one beside it is the one that was signed.
 *
 * @param kept - runs that the archive has; their nodes are `known`
 */
export async function provable(
  core: CoreLike,
  kept: readonly Run[],
  wanted: readonly Run[],
  length: number,
  known: ReadonlyMap<number, TreeNode>
): Promise<Run[]> {
  let rest = [...wanted]
  for (;;) {
    const holes = without([[0, length]], [...kept, ...rest])
    const cover = holes.flatMap(([start, end]) => coverOf(start, end)).filter((index) => !known.has(index))
    const nodes = await storedNodes(core, cover)
    const lost: Run[] = []
    for (const [i, index] of cover.entries()) {
      if (nodes[i] !== null) continue
      const span = await provenSpan(core, index, length)
      if (span !== null) lost.push(span)
    }
    const next = without(rest, lost)
    if (lengthOf(next) === lengthOf(rest)) return rest
    rest = next
  }
}

/** Blocks below the next node that stands over one which is lost, and is not. */
async function provenSpan(core: CoreLike, lost: number, length: number): Promise<Run | null> {
  for (let index = flat.parent(lost); spanOf(index)[1] <= length; index = flat.parent(index)) {
    const [node] = await storedNodes(core, [index])
    if (node != null) return spanOf(index)
  }
  return null
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, [start, end]) => sum + end - start, 0)
}

/** What is in some runs, and not in others. */
export function without(runs: readonly Run[], others: readonly Run[]): Run[] {
  const sorted = [...others].sort((a, b) => a[0] - b[0])
  return runs.flatMap(([start, end]) => {
    const left: Run[] = []
    let at = start
    for (const [first, last] of sorted) {
      if (last <= at || first >= end) continue
      if (first > at) left.push([at, first])
      at = Math.max(at, last)
    }
    if (at < end) left.push([at, end])
    return left
  })
}
