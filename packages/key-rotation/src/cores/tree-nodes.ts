import flat from 'flat-tree'
import crypto from 'hypercore-crypto'

/** Of a core's Merkle tree, numbered as in flat-tree. */
export interface TreeNode {
  index: number
  size: number
  hash: Uint8Array
}

/** Numbers of the nodes between some blocks that a tree of `length` blocks has, and of those that prove the first and the last to its roots. */
export function nodesOver(start: number, end: number, length: number): number[] {
  const indexes = new Set<number>()
  // Each node of a tree has its number between those of its leaves; one that reaches beyond the end is of a longer tree.
  for (let index = 2 * start; index < 2 * end; index++)
    if (flat.rightSpan(index) < 2 * length) indexes.add(index)
  for (const leaf of [2 * start, 2 * (end - 1)]) {
    for (let at = leaf; flat.rightSpan(flat.parent(at)) < 2 * length; at = flat.parent(at))
      indexes.add(flat.sibling(at)).add(flat.parent(at))
  }
  return [...indexes]
}

/** Hash of a tree with these roots. */
export function hashOfRoots(roots: readonly TreeNode[]): Uint8Array {
  return crypto.tree(roots)
}
