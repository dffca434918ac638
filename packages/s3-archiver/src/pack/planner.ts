import { proofPlaces } from '../format/page.ts'
import type { BeeNode } from './bee-walk.ts'

/** Bytes of a node of the tree in a page, and of a block besides what is in it. */
const NODE_BYTES = 36
const BLOCK_BYTES = 4
const ENTRY_BYTES = 4
/** A block that is larger stays in its shard: who reads its key pays for it, and not who reads another one nearby. */
const MAX_BLOCK_BYTES = 8 * 1024
/** A block that lies in more pages goes to the front instead. */
const MAX_COPIES = 3
/** Most entries of a locator beyond those that are needed. */
const MAX_MORE_ENTRIES = 2000

/** What a page is to hold. */
export interface PlannedPage {
  /** What it begins with. */
  tops: readonly BeeNode[]
  blocks: Set<number>
  pages: PlannedPage[]
  /** Blocks by which each of the pages is found. */
  entries: [seq: number, page: number][]
}

export interface PlanOptions {
  /** Of the core, in blocks. */
  length: number
  /** Of the nodes that stand in the front. */
  height: number
  sizeOf: (seq: number) => number
  /** Most bytes of blocks and proofs in the front, and in a page. */
  frontBytes: number
  pageBytes: number
}

/** Cuts a bee into pages: a lookup reads the front, and one page, or in a large bee one of few more. */
export class Planner {
  readonly #options: PlanOptions
  readonly #fits = new Map<BeeNode, boolean>()
  /** Blocks that lie in several pages. */
  readonly #repeated = new Set<number>()
  #bytesPerKey: number

  constructor(root: BeeNode, options: PlanOptions) {
    this.#options = options
    this.#bytesPerKey = 1
    this.#bytesPerKey = this.#sampled(root)
  }

  /** @returns the front */
  plan(root: BeeNode): PlannedPage {
    // The first block tells what the core is.
    const { frontBytes } = this.#options
    const isSmall = root.weight * this.#bytesPerKey < 2 * frontBytes
    const isWhole = isSmall && this.costOf(this.#blocksBelow(root)) <= frontBytes
    const front = this.#page([root], new Set(), frontBytes, isWhole)
    if (this.#isSmall(0)) front.blocks.add(0)
    this.#moveCopies(front)
    this.#locate(front, new Set())
    return front
  }

  /** Bytes of blocks and what proves them. */
  costOf(blocks: ReadonlySet<number>): number {
    const { length, height, sizeOf } = this.#options
    let bytes = 0
    for (const seq of blocks) bytes += sizeOf(seq) + BLOCK_BYTES
    return bytes + proofPlaces(blocks, length, height).length * NODE_BYTES
  }

  /** From the given nodes down as far as there is room; what is left is put into pages behind it. */
  #page(tops: readonly BeeNode[], above: ReadonlySet<number>, budget: number, isWhole: boolean): PlannedPage {
    const page: PlannedPage = { tops, blocks: new Set(), pages: [], entries: [] }
    const left = new Set<BeeNode>()
    const queue = [...tops]
    let spent = 0
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      const isTop = tops.includes(node)
      if (!isWhole && !isTop && (spent > budget || this.#isFitting(node))) {
        left.add(node)
        continue
      }
      for (const seq of [node.seq, ...node.keys])
        if (!above.has(seq) && !page.blocks.has(seq) && this.#isSmall(seq)) {
          page.blocks.add(seq)
          spent += this.#options.sizeOf(seq) + 3 * NODE_BYTES
        }
      queue.push(...node.children)
    }
    if (left.size === 0) return page
    const known = new Set([...above, ...page.blocks])
    for (const group of this.#groups(inOrder(tops, left))) {
      const isGroupWhole = group.every((top) => this.#isFitting(top))
      const inside = this.#page(group, known, this.#options.pageBytes, isGroupWhole)
      if (inside.blocks.size > 0 || inside.pages.length > 0) page.pages.push(inside)
    }
    return page
  }

  /** Neighbours that fit into one page together. */
  *#groups(nodes: readonly BeeNode[]): Generator<BeeNode[]> {
    let group: BeeNode[] = []
    let bytes = 0
    for (const node of nodes) {
      const isFitting = this.#isFitting(node)
      const more = node.weight * this.#bytesPerKey
      if (group.length > 0 && (!isFitting || bytes + more > this.#options.pageBytes)) {
        yield group
        group = []
        bytes = 0
      }
      group.push(node)
      bytes += more
      if (isFitting) continue
      yield group
      group = []
      bytes = 0
    }
    if (group.length > 0) yield group
  }

  /** Notes by which blocks the pages behind one are found. */
  #locate(page: PlannedPage, above: ReadonlySet<number>): void {
    if (page.pages.length === 0) return
    const known = new Set([...above, ...page.blocks])
    const entries = new Map<string, [number, number]>()
    const note = (seq: number, at: number): void => {
      if (!known.has(seq) && this.#isSmall(seq)) entries.set(`${seq} ${at}`, [seq, at])
    }
    // The blocks that a lookup on its way into a page may be the first to miss.
    const visit = (node: BeeNode, at: number): void => {
      note(node.seq, at)
      // It may be here, and its page not: then what comes after it is the first that is missed.
      const isElsewhere = this.#repeated.has(node.seq) || !this.#isSmall(node.seq)
      if (known.has(node.seq) || isElsewhere) follow(node, at)
    }
    const follow = (node: BeeNode, at: number): void => {
      for (const key of node.keys) note(key, at)
      for (const child of node.children) visit(child, at)
    }
    for (const [at, { tops }] of page.pages.entries()) for (const top of tops) visit(top, at)
    // Those after them, too, while there is room: a block may have come along with another page.
    for (const [at, { tops }] of page.pages.entries())
      for (const top of tops) {
        if (entries.size > MAX_MORE_ENTRIES) break
        for (const seq of [...top.keys, ...top.children.map((child) => child.seq)])
          if (page.pages[at]?.blocks.has(seq) === true) note(seq, at)
      }
    page.entries = [...entries.values()].sort(([a], [b]) => a - b)
    for (const inside of page.pages) this.#locate(inside, known)
  }

  #moveCopies(front: PlannedPage): void {
    const copies = new Map<number, PlannedPage[]>()
    for (const page of pagesOf(front))
      for (const seq of page.blocks) copies.set(seq, [...(copies.get(seq) ?? []), page])
    for (const [seq, pages] of copies) {
      if (pages.length > 1) this.#repeated.add(seq)
      if (pages.length <= MAX_COPIES) continue
      front.blocks.add(seq)
      for (const page of pages) if (page !== front) page.blocks.delete(seq)
    }
  }

  #isSmall(seq: number): boolean {
    return this.#options.sizeOf(seq) <= MAX_BLOCK_BYTES
  }

  #isFitting(node: BeeNode): boolean {
    const known = this.#fits.get(node)
    if (known !== undefined) return known
    const { pageBytes } = this.#options
    const guess = node.weight * this.#bytesPerKey
    const isFitting = guess < 3 * pageBytes && this.costOf(this.#blocksBelow(node)) <= pageBytes
    this.#fits.set(node, isFitting)
    return isFitting
  }

  #blocksBelow(node: BeeNode, blocks: Set<number> = new Set()): Set<number> {
    for (const seq of [node.seq, ...node.keys]) if (this.#isSmall(seq)) blocks.add(seq)
    for (const child of node.children) this.#blocksBelow(child, blocks)
    return blocks
  }

  /** Bytes that a key takes in a page, by the look of some that are neighbours. */
  #sampled(root: BeeNode): number {
    let node = root
    while (node.weight > 500 && node.children.length > 0)
      node = node.children[node.children.length >> 1] as BeeNode
    return this.costOf(this.#blocksBelow(node)) / Math.max(1, node.weight)
  }
}

/** What a lookup costs by a plan: gets after the front, in the middle of all lookups; and bytes with the front, on average. */
export function costOfPlan(front: PlannedPage, planner: Planner): { gets: number; bytes: number } {
  const found: { gets: number; bytes: number; blocks: number }[] = []
  const visit = (page: PlannedPage, gets: number, before: number): void => {
    const bytes = before + planner.costOf(page.blocks) + page.entries.length * ENTRY_BYTES
    found.push({ gets, bytes, blocks: page.blocks.size })
    for (const inside of page.pages) visit(inside, gets + 1, bytes)
  }
  visit(front, 0, 0)
  found.sort((a, b) => a.gets - b.gets)
  const all = found.reduce((sum, { blocks }) => sum + blocks, 0)
  let [seen, gets, bytes] = [0, 0, 0]
  for (const page of found) {
    if (seen <= all / 2) gets = page.gets
    seen += page.blocks
    bytes += (page.bytes * page.blocks) / all
  }
  return { gets, bytes }
}

function* pagesOf(page: PlannedPage): Generator<PlannedPage> {
  yield page
  for (const inside of page.pages) yield* pagesOf(inside)
}

/** Some nodes, in the order of their keys. */
function inOrder(tops: readonly BeeNode[], wanted: ReadonlySet<BeeNode>): BeeNode[] {
  return tops.flatMap((node) => (wanted.has(node) ? [node] : inOrder(node.children, wanted)))
}
