import b4a from 'b4a'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RunTree } from '../src/merkle/run-tree.ts'
import { leafOf, treeOver, type TreeNode } from '../src/merkle/subtree.ts'

const aRun = fc
  .tuple(fc.nat({ max: 100 }), fc.integer({ min: 1, max: 100 }))
  .map(([start, count]) => ({ start, end: start + count }))

const blockOf = (seq: number): Uint8Array => b4a.from('block '.repeat(seq % 5) + String(seq))

test('a tree over a run has exactly the nodes that stand over blocks of it alone, each once and after those below it', () => {
  fc.assert(
    fc.property(aRun, ({ start, end }) => {
      const tree = new RunTree(start, end)
      const leaves: TreeNode[] = []
      for (let seq = start; seq < end; seq++) {
        tree.add(blockOf(seq))
        leaves.push(leafOf(seq, blockOf(seq)))
      }
      const expected = treeOver(start, end, leaves) as Map<number, TreeNode>
      for (let index = 0; index < 2 * end + 200; index++)
        expect(tree.node(index)).toEqual(expected.get(index) ?? null)
      const told = leaves.flatMap((_, i) => [...tree.endingAt(start + i)])
      expect(told.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
        [...expected.keys()].toSorted((a, b) => a - b)
      )
      for (const node of told) expect(node).toEqual(expected.get(node.index))
      for (const leaf of leaves) expect(tree.sizeOf(leaf.index / 2)).toBe(leaf.size)
    })
  )
})
