import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { contentName } from '../format/names.ts'
import {
  coverPlaces,
  PAGES_MAGIC,
  proofPlaces,
  sealFront,
  sealPage,
  type Page,
  type PagePlace
} from '../format/page.ts'
import type { CoreRecord } from '../format/record.ts'
import { headOf, storedBlocks } from '../hypercore-adapter.ts'
import { isSameNode } from '../merkle/claims.ts'
import type { TreeNode } from '../merkle/subtree.ts'
import { RunTree } from '../merkle/run-tree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { CoreLike } from '../types.ts'
import { walkBee, type BeeLike, type BeeNode } from './bee-walk.ts'
import { costOfPlan, Planner, type PlannedPage, type PlanOptions } from './planner.ts'

/** An object of pages is closed once it has so many bytes. */
const OBJECT_BYTES = 8 * 1024 * 1024
/** About so many nodes of the tree stand in the front. */
const COVER_NODES = 256
/** Sizes that are tried, in KiB: the bytes of a lookup against its gets. */
const CUTS: readonly { front: number; page: number }[] = [
  { front: 64, page: 96 },
  { front: 80, page: 112 },
  { front: 112, page: 128 }
]
const READ_BLOCKS = 4096

/** A read pack in its store, but for its front, which goes into a commit. */
export interface BuiltPack {
  /** Names of its objects. */
  objects: readonly string[]
  front: Uint8Array
  pages: number
  /** Of all its objects, and the front. */
  bytes: number
}

/**
 * Lays the blocks of a bee out once more, so that a lookup finds all it needs in few places, and stores that. Nothing of it is trusted by who
 * reads it; it can be deleted, and built again. Cost: the core is read twice; one put for each 8 MiB. Memory: about 300 bytes a block.
 *
 * @param core - of the bee, with all blocks that were archived
 * @param record - what the archive holds of it
 * @returns `null` when the bee is empty
 * @throws S3ArchiverError `S3_ARCHIVER_MISSING_BLOCKS`, `S3_ARCHIVER_LOCAL_DAMAGED`, and what the store throws
 */
export async function buildPack(
  store: ObjectStore,
  { bee, core, key, record, roots }: PackSource,
  call: CallOptions = {}
): Promise<BuiltPack | null> {
  const { fork, length, signature } = record
  if (headOf(core)?.fork !== fork)
    throw new S3ArchiverError('S3_ARCHIVER_MISSING_BLOCKS', 'the core is of another fork than its archive')
  const root = await walkBee(bee, length)
  if (root === null) return null
  const tree = await readTree(core, length)
  if (!roots.every((node) => isSameNode(node, tree.node(node.index) ?? { ...node, size: -1 })))
    throw new S3ArchiverError(
      'S3_ARCHIVER_LOCAL_DAMAGED',
      'the blocks of a core are not those that were archived'
    )
  const height = Math.max(0, Math.ceil(Math.log2(length / COVER_NODES)))
  const sizeOf = (seq: number): number => tree.sizeOf(seq)
  const planned = bestPlan(root, { length, height, sizeOf })
  const writer = new PackWriter(store, key, { core, tree, length, height }, call)
  const front = await writer.page(planned)
  const cover = coverPlaces(length, height).map((index) => nodeOf(tree, index))
  const sealed = sealFront(key, { fork, length, signature, height, cover, ...front })
  const { objects, pages, bytes } = writer
  return { objects, front: sealed, pages, bytes: bytes + sealed.byteLength }
}

export interface PackSource {
  bee: BeeLike
  core: CoreLike
  key: Uint8Array
  record: CoreRecord
  roots: readonly TreeNode[]
}

/** The first cut with the fewest gets: each is larger than the one before. */
function bestPlan(root: BeeNode, options: Pick<PlanOptions, 'length' | 'height' | 'sizeOf'>): PlannedPage {
  const plans = CUTS.map(({ front, page }) => {
    const planner = new Planner(root, { ...options, frontBytes: front * 1024, pageBytes: page * 1024 })
    const plan = planner.plan(root)
    return { plan, gets: costOfPlan(plan, planner).gets }
  })
  const fewest = Math.min(...plans.map(({ gets }) => gets))
  return (plans.find(({ gets }) => gets === fewest) as { plan: PlannedPage }).plan
}

async function readTree(core: CoreLike, length: number): Promise<RunTree> {
  const tree = new RunTree(0, length)
  for (let start = 0; start < length; start += READ_BLOCKS)
    for (const block of await storedBlocks(core, start, Math.min(length, start + READ_BLOCKS)))
      tree.add(block ?? missing())
  return tree
}

/** Pages are written before those that say where they are, since an object is named for its bytes. */
class PackWriter {
  readonly objects: string[] = []
  pages = 0
  bytes = 0
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #from: { core: CoreLike; tree: RunTree; length: number; height: number }
  readonly #call: CallOptions

  constructor(
    store: ObjectStore,
    key: Uint8Array,
    from: { core: CoreLike; tree: RunTree; length: number; height: number },
    call: CallOptions
  ) {
    this.#store = store
    this.#key = key
    this.#from = from
    this.#call = call
  }

  /** A page, once all behind it are stored. */
  async page({ blocks, pages, entries }: PlannedPage): Promise<Page> {
    const { core, tree, length, height } = this.#from
    const places = await this.#stored(pages)
    const seqs = [...blocks].sort((a, b) => a - b)
    const found = await Promise.all(seqs.map((seq) => storedBlocks(core, seq, seq + 1)))
    return {
      blocks: new Map(seqs.map((seq, i) => [seq, found[i]?.[0] ?? missing()])),
      nodes: proofPlaces(seqs, length, height).map((index) => nodeOf(tree, index)),
      pages: places,
      locator: entries
    }
  }

  async #stored(planned: readonly PlannedPage[]): Promise<PagePlace[]> {
    const places: PagePlace[] = []
    let sealed = [PAGES_MAGIC]
    let offset = PAGES_MAGIC.byteLength
    const flush = async (): Promise<void> => {
      const bytes = b4a.concat(sealed)
      const object = contentName('page', bytes)
      await this.#store.putIfAbsent(object, bytes, { ...this.#call, kind: 'page' })
      this.objects.push(object)
      this.bytes += bytes.byteLength
      for (const place of places) if (place.object === '') place.object = object
      sealed = [PAGES_MAGIC]
      offset = PAGES_MAGIC.byteLength
    }
    for (const plan of planned) {
      const bytes = sealPage(this.#key, await this.page(plan))
      this.pages++
      places.push({ object: '', offset, byteLength: bytes.byteLength })
      sealed.push(bytes)
      offset += bytes.byteLength
      if (offset >= OBJECT_BYTES) await flush()
    }
    if (sealed.length > 1) await flush()
    return places
  }
}

function nodeOf(tree: RunTree, index: number): TreeNode {
  const node = tree.node(index)
  if (node === null) throw new Error(`no node ${index}`)
  return node
}

function missing(): never {
  throw new S3ArchiverError('S3_ARCHIVER_MISSING_BLOCKS', 'a block of the bee is not in its store')
}
