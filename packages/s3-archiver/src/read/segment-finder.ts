import flat from 'flat-tree'
import type { ListSegment, Segment } from '../format/segment.ts'
import { treeOver, type TreeNode } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { MAX_LIST_DEPTH, readList } from './archive-reader.ts'
import { ByteCache } from './byte-cache.ts'
import { damaged } from './objects.ts'

/** What a node takes in memory, about; and a segment besides its nodes. */
const NODE_BYTES = 160
const SEGMENT_BYTES = 200

/** A list, with all nodes between those of its segments and its own: all of them are checked. */
interface OpenedList {
  segments: readonly Segment[]
  nodes: ReadonlyMap<number, TreeNode>
}

/** Segments of a core, with what leads from them to those of its record. */
interface FoundSegments {
  segments: Segment[]
  nodes: TreeNode[]
}

/** Finds segments, in lists where they stand there. Lists that were read are kept. */
export class SegmentFinder {
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #call: CallOptions
  readonly #lists: ByteCache<Promise<OpenedList>>

  constructor(
    store: ObjectStore,
    key: Uint8Array,
    { cacheBytes, ...call }: CallOptions & { cacheBytes: number }
  ) {
    this.#store = store
    this.#key = key
    this.#call = call
    this.#lists = new ByteCache(cacheBytes)
  }

  /**
   * Those that have some of a range of blocks, in order. Cost: one request for each list that is not known.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED`, and what the store throws
   */
  async find(
    segments: readonly Segment[],
    first: number,
    end: number,
    lists: readonly OpenedList[] = []
  ): Promise<FoundSegments> {
    if (lists.length > MAX_LIST_DEPTH) throw damaged('lists in lists without end')
    const outer = lists.at(-1)
    const found: FoundSegments = { segments: [], nodes: [] }
    for (const segment of segments) {
      if (segment.start >= end || segment.start + segment.count <= first) continue
      if (outer !== undefined) found.nodes.push(...pathOf(segment, outer))
      if (segment.kind !== 'list') {
        found.segments.push(segment)
        continue
      }
      const list = await this.#list(segment)
      const inside = await this.find(list.segments, first, end, [...lists, list])
      found.segments.push(...inside.segments)
      found.nodes.push(...inside.nodes)
    }
    return found
  }

  #list(list: ListSegment): Promise<OpenedList> {
    const known = this.#lists.get(list.object)
    if (known !== undefined) return known
    const reading = this.#readList(list)
    this.#lists.set(list.object, reading, 0)
    reading.then(
      ({ segments, nodes }) =>
        this.#lists.set(list.object, reading, segments.length * SEGMENT_BYTES + nodes.size * NODE_BYTES),
      () => this.#lists.delete(list.object)
    )
    return reading
  }

  async #readList(list: ListSegment): Promise<OpenedList> {
    const { start, count } = list
    const segments = await readList(this.#store, this.#key, list, this.#call)
    const nodes = treeOver(
      start,
      start + count,
      segments.flatMap((segment) => segment.nodes)
    )
    if (nodes === null) throw damaged('a list is not what the core’s key has signed')
    return { segments, nodes }
  }
}

/** What leads from a segment to its list. */
function pathOf({ nodes }: Segment, list: OpenedList): TreeNode[] {
  const path: TreeNode[] = []
  for (const { index } of nodes)
    for (let at = index, node = list.nodes.get(at); node !== undefined; node = list.nodes.get(at)) {
      const sibling = list.nodes.get(flat.sibling(at))
      path.push(node)
      if (sibling !== undefined) path.push(sibling)
      at = flat.parent(at)
    }
  return path
}
