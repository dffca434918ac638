import b4a from 'b4a'
import flat from 'flat-tree'
import { checkClaims, isSameNode } from '../merkle/claims.ts'
import { leafOf, nodeAt, spanOf, type TreeNode } from '../merkle/subtree.ts'
import type { ArchivedCore } from './archive-reader.ts'
import { ByteCache } from './byte-cache.ts'
import type { Claims } from './segment-reader.ts'

/** What a node takes in memory, about; and a block besides its bytes. */
const NODE_BYTES = 160
const BLOCK_BYTES = 120

/** Blocks and tree nodes of one fork of an archived core that were checked against its signed roots. Those that were used last are kept. */
export class KnownBlocks {
  readonly #blocks: ByteCache<Uint8Array>
  readonly #nodes: ByteCache<TreeNode>
  /** Not dropped before there is another head: those over whole segments. */
  #pinned: ReadonlyMap<number, TreeNode>
  /** Nor these before there are others: what hints stand on. */
  #cover: ReadonlyMap<number, TreeNode> = new Map()
  #archived: ArchivedCore

  constructor(archived: ArchivedCore, { blockBytes, nodeBytes }: { blockBytes: number; nodeBytes: number }) {
    this.#blocks = new ByteCache(blockBytes)
    this.#nodes = new ByteCache(nodeBytes)
    this.#archived = archived
    this.#pinned = pinnedOf(archived)
  }

  get archived(): ArchivedCore {
    return this.#archived
  }

  /** Whether a head may be a later one of the same history: a key may have signed two. */
  isContinuedBy(archived: ArchivedCore): boolean {
    if (archived.record.fork !== this.#archived.record.fork) return false
    const next = pinnedOf(archived)
    return [...this.#pinned.values()].every((node) => {
      const other = next.get(node.index)
      return other === undefined || isSameNode(other, node)
    })
  }

  /** Goes on to a longer head of the same fork: all stays that is known to be of its tree, too. */
  grow(archived: ArchivedCore): void {
    const [pinned, before] = [pinnedOf(archived), this.#pinned]
    let same = 0
    for (const root of this.#archived.roots) {
      const node = nodeAt(root.index, pinned)
      if (node === null || !isSameNode(node, root)) break
      same = spanOf(root.index)[1]
    }
    this.#archived = archived
    this.#pinned = pinned
    this.#cover = new Map([...this.#cover].filter(([index]) => spanOf(index)[1] <= same))
    for (const seq of this.#blocks.keys()) if ((seq as number) >= same) this.#blocks.delete(seq)
    for (const index of this.#nodes.keys()) if (spanOf(index as number)[1] > same) this.#nodes.delete(index)
    this.keep([...before.values()].filter(({ index }) => spanOf(index)[1] <= same))
  }

  /** Keeps nodes that are known to be of the tree, until it is given others. */
  pin(nodes: Iterable<TreeNode>): void {
    this.#cover = new Map([...nodes].map((node) => [node.index, node]))
  }

  /** Keeps nodes that are known to be of the tree, while there is room. */
  keep(nodes: Iterable<TreeNode>): void {
    for (const node of nodes) if (!this.#pinned.has(node.index)) this.#nodes.set(node.index, node, NODE_BYTES)
  }

  /** A node that is known, or made of such. */
  node(index: number): TreeNode | null {
    return nodeAt(index, this.#known)
  }

  /** A block that is known, with all that leads from it to a root. */
  block(seq: number): Uint8Array | null {
    const block = this.#blocks.get(seq)
    return block !== undefined && this.isProven(seq) ? block : null
  }

  /** @returns false, and keeps nothing, when anything of it is not of the tree */
  accept({ blocks, nodes }: Claims): boolean {
    const leaves = [...blocks].map(([seq, block]) => leafOf(seq, block))
    if (!this.#learn([...leaves, ...nodes], (index) => this.#known.get(index) ?? null)) return false
    for (const [seq, block] of blocks) this.#blocks.set(seq, b4a.from(block), block.byteLength + BLOCK_BYTES)
    return true
  }

  /** Nodes that have to make those over a segment, which were checked. @returns false, and keeps nothing, when they do not */
  acceptBelow(over: readonly TreeNode[], nodes: readonly TreeNode[]): boolean {
    const own = new Map(over.map((node) => [node.index, node]))
    return this.#learn(nodes, (index) => own.get(index) ?? this.#pinned.get(index) ?? null)
  }

  #learn(claims: readonly TreeNode[], trusted: (index: number) => TreeNode | null): boolean {
    const checked = checkClaims(claims, trusted)
    if (checked === null) return false
    this.keep(checked.values())
    return true
  }

  /** Whether all is known that leads from a block to a root. */
  isProven(seq: number): boolean {
    const roots = new Set(this.#archived.roots.map(({ index }) => index))
    for (let index = 2 * seq; !roots.has(index); index = flat.parent(index)) {
      if (index > 2 * this.#archived.record.length) return false
      if (this.node(flat.sibling(index)) === null) return false
    }
    return true
  }

  readonly #known = {
    get: (index: number): TreeNode | undefined =>
      this.#pinned.get(index) ?? this.#cover.get(index) ?? this.#nodes.get(index)
  } as ReadonlyMap<number, TreeNode>
}

/** Nodes over whole segments, and all above them. */
function pinnedOf({ roots, record }: ArchivedCore): ReadonlyMap<number, TreeNode> {
  const signed = new Map(roots.map((node) => [node.index, node]))
  const inside = record.segments.flatMap(({ nodes }) => nodes)
  const checked = checkClaims(inside, (index) => signed.get(index) ?? null)
  return new Map([...signed, ...(checked ?? [])])
}
