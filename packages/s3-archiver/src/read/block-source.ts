import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { commitName } from '../format/names.ts'
import { byteLengthOf, type BlockSegment, type Segment } from '../format/segment.ts'
import { spanOf, type TreeNode } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { ArchivedCore } from './archive-reader.ts'
import { KnownBlocks } from './known-blocks.ts'
import { damaged } from './objects.ts'
import { RangeReader } from './range-reader.ts'
import { SegmentFinder } from './segment-finder.ts'
import { SegmentReader, type Claims } from './segment-reader.ts'

export interface BlockSourceOptions extends CallOptions {
  /** Of what was fetched, how much is kept in memory. */
  cacheBytes: number
  /** Bytes that are read at once where blocks lie side by side. @defaultValue only the blocks that are checked together */
  chunkBytes?: number
  /** Drops what is kept of an object outside of memory: it was not what it should be. */
  forget?: (object: string) => Promise<void>
}

/** The nodes of a shard's table and of one of its groups: what is checked has to be there when what stands on it is. */
const MIN_NODE_BYTES: number = 1024 * 1024

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
  readonly #known: KnownBlocks
  readonly #accepting = new WeakMap<object, Promise<void>>()
  readonly #loading = new Map<number, Promise<Uint8Array>>()
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
    const nodeBytes = Math.max(MIN_NODE_BYTES, cacheBytes * 0.25)
    this.#known = new KnownBlocks(archived, { blockBytes: cacheBytes * 0.5, nodeBytes })
    this.#segments = new SegmentReader(archived.key, this.ranges, cacheBytes, chunkBytes)
    this.#finder = new SegmentFinder(store, archived.key, { cacheBytes: cacheBytes * 0.25, ...call })
  }

  /** The tail of a commit that was read anyway. */
  offerTail(seq: number, tail: Uint8Array): void {
    this.#segments.offerTail(commitName(seq), tail)
  }

  get archived(): ArchivedCore {
    return this.#known.archived
  }

  get roots(): readonly TreeNode[] {
    return this.archived.roots
  }

  get byteLength(): number {
    return this.roots.reduce((sum, { size }) => sum + size, 0)
  }

  /** Whether a head may be a later one of the same history: a key may have signed two. */
  isContinuedBy(archived: ArchivedCore): boolean {
    return this.#known.isContinuedBy(archived)
  }

  /** Goes on to a longer head of the same fork: all stays that is known to be of its tree, too. */
  grow(archived: ArchivedCore): void {
    this.#known.grow(archived)
  }

  /** Keeps nodes that are known to be of the tree, until it is given others. */
  pin(nodes: Iterable<TreeNode>): void {
    this.#known.pin(nodes)
  }

  /** A node that is known already, or made of such. */
  node(index: number): TreeNode | null {
    return this.#known.node(index)
  }

  /** A block that is known already. */
  cached(seq: number): Uint8Array | null {
    return this.#known.block(seq)
  }

  /** Bytes of a block, about: the mean of those that were archived with it. */
  sizeOf(seq: number): number {
    const { segments } = this.archived.record
    const segment = segments.find(({ start, count }) => start <= seq && seq < start + count)
    return segment === undefined ? 0 : byteLengthOf(segment) / segment.count
  }

  /**
   * A block, as its core stores it; afterwards the nodes that prove it are known, as far as there is room for them. It is read once for all who
   * ask for it at the same time, and given to each of them, whatever is read besides: the cache is for who comes later.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_MISSING_BLOCKS`, and what the store throws
   */
  async block(seq: number): Promise<Uint8Array> {
    const block =
      this.cached(seq) ??
      (await this.#once(seq, () =>
        this.#fetch(seq).catch((error: S3ArchiverError) => this.#fetchAgain(seq, error))
      ))
    this.#segments.ahead.used(seq)
    return block
  }

  /**
   * A node, fetched when it is not known.
   *
   * @returns `null` of one that is not in the tree, or that nothing in the archive makes
   */
  async fetchNode(index: number): Promise<TreeNode | null> {
    const [first, end] = spanOf(index)
    if (end > this.archived.record.length) return null
    for (const segment of await this.#segmentsOf(first, end)) {
      if (this.node(index) !== null) break
      if (segment.kind === 'blocks') this.#learn(segment, await this.#segments.groupNodes(segment))
    }
    // Inside a group: a small one, since nodes above are known now.
    for (let seq = first; seq < end && this.node(index) === null; seq++) await this.#fetchGroup(seq)
    return this.node(index)
  }

  async #fetch(seq: number): Promise<Uint8Array> {
    const hinted = await this.hints?.find(seq)
    const block = hinted?.blocks.get(seq)
    const isGood = hinted != null && this.#known.accept(hinted) && this.#known.isProven(seq)
    return isGood && block !== undefined ? this.#own(seq, block) : this.#fetchGroup(seq)
  }

  /** What was moved since the head was read, and removed then, is elsewhere now. */
  async #fetchAgain(seq: number, error: S3ArchiverError): Promise<Uint8Array> {
    const before = this.archived
    if (error.code !== 'S3_ARCHIVER_DAMAGED' || this.refresh === null) throw error
    await this.refresh().catch(() => {})
    if (this.archived === before) throw error
    return this.#fetchGroup(seq)
  }

  async #fetchGroup(seq: number): Promise<Uint8Array> {
    const [segment] = await this.#segmentsOf(seq, seq + 1)
    if (segment?.kind !== 'blocks')
      throw new S3ArchiverError(
        'S3_ARCHIVER_MISSING_BLOCKS',
        `the archive does not have block ${seq} of a core`
      )
    try {
      return await this.#tryGroup(segment, seq, false)
    } catch (error) {
      if ((error as S3ArchiverError).code !== 'S3_ARCHIVER_DAMAGED') throw error
      await this.forget(segment.object)
    }
    try {
      return await this.#tryGroup(segment, seq, true)
    } catch (error) {
      if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED') await this.forget(segment.object)
      throw error
    }
  }

  /** @param isAlone - reads no others besides: what was read ahead may be damaged, and this not */
  async #tryGroup(segment: BlockSegment, seq: number, isAlone: boolean): Promise<Uint8Array> {
    const blocks = await this.#segments.group(segment, seq, isAlone)
    // Many may have waited for the same.
    const accepting = this.#accepting.get(blocks) ?? this.#accept(segment, blocks)
    this.#accepting.set(blocks, accepting)
    await accepting
    return this.#own(seq, blocks.get(seq))
  }

  async #accept(segment: BlockSegment, blocks: ReadonlyMap<number, Uint8Array>): Promise<void> {
    const claims = { blocks, nodes: [] }
    // Nodes over the groups of a segment are checked once, unless they were dropped since.
    if (this.#known.accept(claims)) return
    const nodes = await this.#segments.groupNodes(segment)
    // By now those of another group may have brought them.
    if (this.#known.accept(claims)) return
    this.#learn(segment, nodes)
    if (!this.#known.accept(claims)) throw damaged('blocks are not those that the core’s key has signed')
  }

  /** A block that was checked: that of the cache, or a copy, since a part would keep all that was read with it in memory. */
  #own(seq: number, block: Uint8Array | undefined): Uint8Array {
    if (block === undefined) throw damaged('an object lacks what it should hold')
    return this.cached(seq) ?? b4a.from(block)
  }

  /** Drops what is kept of an object's bytes: it may have been damaged on its way, and not where it is. */
  async forget(object: string): Promise<void> {
    this.#segments.forget(object)
    await this.#forget(object).catch(() => {})
  }

  /** Nodes over the groups of a segment. */
  #learn(segment: BlockSegment, nodes: readonly TreeNode[]): void {
    if (!this.#known.acceptBelow(segment.nodes, nodes)) throw damaged('a table is not that of its blocks')
  }

  async #segmentsOf(first: number, end: number): Promise<Segment[]> {
    const { segments, nodes } = await this.#finder.find(this.archived.record.segments, first, end)
    this.#known.keep(nodes)
    return segments
  }

  async #once(seq: number, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const loading = this.#loading.get(seq) ?? load().finally(() => this.#loading.delete(seq))
    this.#loading.set(seq, loading)
    return loading
  }
}
