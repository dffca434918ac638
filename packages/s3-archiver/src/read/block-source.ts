import b4a from 'b4a'
import flat from 'flat-tree'
import { S3ArchiverError } from '../errors.ts'
import { commitName } from '../format/names.ts'
import type { BlockSegment, Segment } from '../format/segment.ts'
import { checkClaims, isSameNode } from '../merkle/claims.ts'
import { leafOf, nodeAt, spanOf, type TreeNode } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { ArchivedCore } from './archive-reader.ts'
import { ByteCache } from './byte-cache.ts'
import { damaged } from './objects.ts'
import { RangeReader } from './range-reader.ts'
import { SegmentFinder } from './segment-finder.ts'
import { SegmentReader, type Claims } from './segment-reader.ts'

/** What a node takes in memory, about; and a block besides its bytes. */
const NODE_BYTES = 160
const BLOCK_BYTES = 120

export interface BlockSourceOptions extends CallOptions {
  /** Of what was fetched, how much is kept in memory. */
  cacheBytes: number
  /** Bytes that are read at once where blocks lie side by side. @defaultValue only the blocks that are checked together */
  chunkBytes?: number
  /** Drops what is kept of an object outside of memory: it was not what it should be. */
  forget?: (object: string) => Promise<void>
}

/** Another place where blocks may be found, with proofs. Nothing of it is trusted. */
export interface BlockHints {
  /** Blocks, this one among them, and nodes that lead to trusted ones; `null` when it has none to give. */
  find(seq: number): Promise<Claims | null>
}

/**
 * The blocks and tree nodes of one fork of an archived core, fetched when they are asked for and checked against its signed roots before
 * anything else is done with them. Of what was fetched the last used is kept in memory.
 */
export class BlockSource {
  readonly key: Uint8Array
  readonly ranges: RangeReader
  readonly #forget: (object: string) => Promise<void>
  readonly #finder: SegmentFinder
  readonly #segments: SegmentReader
  readonly #blocks: ByteCache<Uint8Array>
  readonly #nodes: ByteCache<TreeNode>
  /** Not dropped before there is another head: those over whole segments. */
  #pinned: ReadonlyMap<number, TreeNode> = new Map()
  /** Nor these before there are others: what hints stand on. */
  #cover: ReadonlyMap<number, TreeNode> = new Map()
  readonly #loading = new Map<number, Promise<void>>()
  #archived: ArchivedCore
  #roots: TreeNode[] = []
  hints: BlockHints | null = null
  /** Looks for a newer head, and if there is one goes on to it. */
  refresh: (() => Promise<unknown>) | null = null

  constructor(
    store: ObjectStore,
    archived: ArchivedCore,
    { cacheBytes, chunkBytes = 0, forget = async () => {}, ...call }: BlockSourceOptions
  ) {
    this.key = archived.key
    this.#forget = forget
    this.ranges = new RangeReader(store, call)
    this.#blocks = new ByteCache(cacheBytes * 0.5)
    this.#nodes = new ByteCache(cacheBytes * 0.25)
    this.#segments = new SegmentReader(archived.key, this.ranges, cacheBytes * 0.25, chunkBytes)
    this.#finder = new SegmentFinder(store, archived.key, { cacheBytes: cacheBytes * 0.25, ...call })
    this.#archived = archived
    this.#roots = [...archived.roots]
    this.#pinned = pinnedOf(archived)
  }

  /** The tail of a commit that was read anyway. */
  offerTail(seq: number, tail: Uint8Array): void {
    this.#segments.offerTail(commitName(seq), tail)
  }

  get archived(): ArchivedCore {
    return this.#archived
  }

  get roots(): readonly TreeNode[] {
    return this.#roots
  }

  get byteLength(): number {
    return this.#roots.reduce((sum, { size }) => sum + size, 0)
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
    for (const root of this.#roots) {
      const node = nodeAt(root.index, pinned)
      if (node === null || !isSameNode(node, root)) break
      same = spanOf(root.index)[1]
    }
    this.#archived = archived
    this.#roots = [...archived.roots]
    this.#pinned = pinned
    this.#cover = new Map([...this.#cover].filter(([index]) => spanOf(index)[1] <= same))
    for (const seq of this.#blocks.keys()) if ((seq as number) >= same) this.#blocks.delete(seq)
    for (const index of this.#nodes.keys()) if (spanOf(index as number)[1] > same) this.#nodes.delete(index)
    this.#keep([...before.values()].filter(({ index }) => spanOf(index)[1] <= same))
  }

  /** Keeps nodes that are known to be of the tree, until it is given others. */
  pin(nodes: Iterable<TreeNode>): void {
    this.#cover = new Map([...nodes].map((node) => [node.index, node]))
  }

  /** A node that is known already, or made of such. */
  node(index: number): TreeNode | null {
    return nodeAt(index, this.#known)
  }

  /** A block that is known already. */
  cached(seq: number): Uint8Array | null {
    const block = this.#blocks.get(seq)
    return block !== undefined && this.#hasPath(seq) ? block : null
  }

  /**
   * A block, as its core stores it; afterwards all nodes that prove it are known.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_MISSING_BLOCKS`, and what the store throws
   */
  async block(seq: number): Promise<Uint8Array> {
    const known = this.cached(seq)
    if (known !== null) return known
    await this.#once(seq, () =>
      this.#fetch(seq).catch((error: S3ArchiverError) => this.#fetchAgain(seq, error))
    )
    const block = this.cached(seq)
    if (block !== null) return block
    // What was fetched at the same time has pushed it out: only as many at once as there is room for.
    return this.#alone(seq)
  }

  /**
   * A node, fetched when it is not known.
   *
   * @returns `null` of one that is not in the tree, or that nothing in the archive makes
   */
  async fetchNode(index: number): Promise<TreeNode | null> {
    const [first, end] = spanOf(index)
    if (end > this.#archived.record.length) return null
    for (const segment of await this.#segmentsOf(first, end)) {
      if (this.node(index) !== null) break
      if (segment.kind === 'blocks') this.#learn(segment, await this.#segments.groupNodes(segment))
    }
    // Inside a group: a small one, since nodes above are known now.
    for (let seq = first; seq < end && this.node(index) === null; seq++) await this.#fetchGroup(seq)
    return this.node(index)
  }

  async #fetch(seq: number): Promise<void> {
    const hinted = await this.hints?.find(seq)
    if (hinted != null && this.#accept(hinted) && this.cached(seq) !== null) return
    await this.#fetchGroup(seq)
  }

  /** What was moved since the head was read, and removed then, is elsewhere now. */
  async #fetchAgain(seq: number, error: S3ArchiverError): Promise<void> {
    const before = this.#archived
    if (error.code !== 'S3_ARCHIVER_DAMAGED' || this.refresh === null) throw error
    await this.refresh().catch(() => {})
    if (this.#archived === before) throw error
    await this.#fetchGroup(seq)
  }

  async #fetchGroup(seq: number): Promise<void> {
    const [segment] = await this.#segmentsOf(seq, seq + 1)
    if (segment?.kind !== 'blocks')
      throw new S3ArchiverError(
        'S3_ARCHIVER_MISSING_BLOCKS',
        `the archive does not have block ${seq} of a core`
      )
    for (const isAgain of [false, true]) {
      try {
        return await this.#tryGroup(segment, seq, isAgain)
      } catch (error) {
        if ((error as S3ArchiverError).code !== 'S3_ARCHIVER_DAMAGED') throw error
        await this.forget(segment.object)
        if (isAgain) throw error
      }
    }
  }

  /** @param isAlone - reads no others besides: what was read ahead may be damaged, and this not */
  async #tryGroup(segment: BlockSegment, seq: number, isAlone: boolean): Promise<void> {
    const blocks = await this.#segments.group(segment, seq, isAlone)
    // Nodes over the groups of a segment are checked once, unless they were dropped since.
    if (this.#accept({ blocks, nodes: [] })) return
    this.#learn(segment, await this.#segments.groupNodes(segment))
    if (!this.#accept({ blocks, nodes: [] }))
      throw damaged('blocks are not those that the core’s key has signed')
  }

  /** Drops what is kept of an object's bytes: it may have been damaged on its way, and not where it is. */
  async forget(object: string): Promise<void> {
    this.#segments.forget(object)
    await this.#forget(object).catch(() => {})
  }

  async #alone(seq: number): Promise<Uint8Array> {
    await this.#fetchGroup(seq)
    const block = this.cached(seq)
    if (block !== null) return block
    throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'the cache is too small for this core')
  }

  /** Nodes over the groups of a segment; they have to make those of the segment, which were checked. */
  #learn(segment: BlockSegment, nodes: readonly TreeNode[]): void {
    const own = new Map(segment.nodes.map((node) => [node.index, node]))
    const checked = checkClaims(nodes, (index) => own.get(index) ?? this.#pinned.get(index) ?? null)
    if (checked === null) throw damaged('a table is not that of its blocks')
    this.#keep(checked.values())
  }

  /** @returns false, and keeps nothing, when anything of it is not of the tree */
  #accept({ blocks, nodes }: Claims): boolean {
    const leaves = [...blocks].map(([seq, block]) => leafOf(seq, block))
    const checked = checkClaims([...leaves, ...nodes], (index) => this.#known.get(index) ?? null)
    if (checked === null) return false
    this.#keep(checked.values())
    for (const [seq, block] of blocks) this.#blocks.set(seq, b4a.from(block), block.byteLength + BLOCK_BYTES)
    return true
  }

  #keep(nodes: Iterable<TreeNode>): void {
    for (const node of nodes) if (!this.#pinned.has(node.index)) this.#nodes.set(node.index, node, NODE_BYTES)
  }

  /** Whether all is known that leads from a block to a root. */
  #hasPath(seq: number): boolean {
    const roots = new Set(this.#roots.map(({ index }) => index))
    for (let index = 2 * seq; !roots.has(index); index = flat.parent(index)) {
      if (index > 2 * this.#archived.record.length) return false
      if (this.node(flat.sibling(index)) === null) return false
    }
    return true
  }

  async #segmentsOf(first: number, end: number): Promise<Segment[]> {
    const { segments, nodes } = await this.#finder.find(this.#archived.record.segments, first, end)
    this.#keep(nodes)
    return segments
  }

  async #once(seq: number, load: () => Promise<void>): Promise<void> {
    const loading = this.#loading.get(seq) ?? load().finally(() => this.#loading.delete(seq))
    this.#loading.set(seq, loading)
    return loading
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
