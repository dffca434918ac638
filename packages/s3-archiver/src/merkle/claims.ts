import b4a from 'b4a'
import flat from 'flat-tree'
import crypto from 'hypercore-crypto'
import { spanOf, type TreeNode } from './subtree.ts'

/**
 * Checks nodes that somebody claims to be of a tree: each has to lead, with its sibling, to one that is trusted.
 *
 * @param claims - by place
 * @param trusted - the node at a place, when it is known to be of the tree
 * @returns the claims, and all nodes that they make on the way; `null` when any of them leads nowhere, or to another node
 */
export function checkClaims(
  claims: Iterable<TreeNode>,
  trusted: (index: number) => TreeNode | null
): Map<number, TreeNode> | null {
  const nodes = new Map<number, TreeNode>()
  let level: number[] = []
  const byHeight: number[][] = []
  for (const node of claims) {
    nodes.set(node.index, node)
    ;(byHeight[heightOf(node.index)] ??= []).push(node.index)
  }
  for (let height = 0; height < byHeight.length || level.length > 0; height++) {
    const next = new Set<number>()
    for (const index of new Set([...level, ...(byHeight[height] ?? [])])) {
      const node = nodes.get(index) as TreeNode
      const known = trusted(index)
      if (known !== null) {
        if (!isSameNode(known, node)) return null
        continue
      }
      const sibling = nodes.get(flat.sibling(index)) ?? trusted(flat.sibling(index))
      if (sibling === null) return null
      const parent = parentOf(node, sibling)
      const claimed = nodes.get(parent.index)
      if (claimed !== undefined && !isSameNode(claimed, parent)) return null
      nodes.set(parent.index, parent)
      next.add(parent.index)
    }
    level = [...next]
  }
  return nodes
}

export function isSameNode(a: TreeNode, b: TreeNode): boolean {
  return a.index === b.index && a.size === b.size && b4a.equals(a.hash, b.hash)
}

function parentOf(node: TreeNode, sibling: TreeNode): TreeNode {
  const [left, right] = node.index < sibling.index ? [node, sibling] : [sibling, node]
  return {
    index: flat.parent(node.index),
    size: left.size + right.size,
    hash: crypto.parent(left, right)
  }
}

function heightOf(index: number): number {
  const [first, end] = spanOf(index)
  return Math.log2(end - first)
}
