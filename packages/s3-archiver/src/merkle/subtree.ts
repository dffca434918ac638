import b4a from 'b4a'
import flat from 'flat-tree'
import crypto from 'hypercore-crypto'

/** A node of a core's Merkle tree: its place as flat-tree counts, the bytes below it, and its BLAKE2b-256. */
export interface TreeNode {
  index: number
  size: number
  hash: Uint8Array
}

/** Places of the fewest nodes that stand over exactly the blocks `start` up to `end`, from left to right. At most two for each height. */
export function coverOf(start: number, end: number): number[] {
  const cover: number[] = []
  for (let at = start; at < end;) {
    let count = 1
    while (at % (2 * count) === 0 && at + 2 * count <= end) count *= 2
    cover.push(2 * at + count - 1)
    at += count
  }
  return cover
}

/** Blocks below a node, from the first up to the end. */
export function spanOf(index: number): [start: number, end: number] {
  const [first, last] = flat.spans(index)
  return [first / 2, last / 2 + 1]
}

export function leafOf(seq: number, block: Uint8Array): TreeNode {
  return { index: 2 * seq, size: block.byteLength, hash: crypto.data(block) }
}

/**
 * The node at a place, made of those below it.
 *
 * @returns `null` when they do not make it
 */
export function nodeAt(index: number, known: ReadonlyMap<number, TreeNode>): TreeNode | null {
  const node = known.get(index)
  if (node !== undefined) return node
  if (index % 2 === 0) return null
  const left = nodeAt(flat.leftChild(index), known)
  const right = left && nodeAt(flat.rightChild(index), known)
  return right && { index, size: left.size + right.size, hash: crypto.parent(left, right) }
}

/** As {@link nodeAt}; and notes all nodes that it makes among the known ones. */
function noteNode(index: number, known: Map<number, TreeNode>): TreeNode | null {
  const node = known.get(index)
  if (node !== undefined) return node
  if (index % 2 === 0) return null
  const left = noteNode(flat.leftChild(index), known)
  const right = left && noteNode(flat.rightChild(index), known)
  if (right === null || left === null) return null
  const made = { index, size: left.size + right.size, hash: crypto.parent(left, right) }
  known.set(index, made)
  return made
}

/**
 * All nodes between finer ones and the cover over `start` up to `end`, and those of both.
 *
 * @returns `null` when they do not make it
 */
export function treeOver(
  start: number,
  end: number,
  finer: Iterable<TreeNode>
): Map<number, TreeNode> | null {
  const known = new Map<number, TreeNode>()
  for (const node of finer) known.set(node.index, node)
  return coverOf(start, end).every((index) => noteNode(index, known) !== null) ? known : null
}

/** The nodes of a cover over `start` up to `end`, made of finer ones. Throws when these do not make it. */
export function combine(start: number, end: number, finer: Iterable<TreeNode>): TreeNode[] {
  const known = new Map<number, TreeNode>()
  for (const node of finer) known.set(node.index, node)
  return coverOf(start, end).map((index) => {
    const node = nodeAt(index, known)
    if (node === null) throw new Error(`nothing makes node ${index}`)
    return node
  })
}

/** The tree hash of a core of so many blocks, which its key signs. */
export function treeHashOf(length: number, nodes: Iterable<TreeNode>): Uint8Array {
  return crypto.tree(combine(0, length, nodes))
}

/** Whether nodes make those that stand over blocks, and so are of the same blocks. */
export function isSameCover(
  { start, count, nodes }: { start: number; count: number; nodes: readonly TreeNode[] },
  finer: Iterable<TreeNode>
): boolean {
  const known = new Map<number, TreeNode>()
  for (const node of finer) known.set(node.index, node)
  const cover = coverOf(start, start + count)
  return (
    cover.length === nodes.length &&
    cover.every((index, i) => {
      const [made, node] = [nodeAt(index, known), nodes[i]]
      return (
        made !== null && node !== undefined && made.size === node.size && b4a.equals(made.hash, node.hash)
      )
    })
  )
}
