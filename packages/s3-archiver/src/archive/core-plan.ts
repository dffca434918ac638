import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { rootsOf, type CoreRecord } from '../format/record.ts'
import {
  isContiguous,
  type BlockSegment,
  type HoleSegment,
  type ListSegment,
  type Segment
} from '../format/segment.ts'
import { heldRuns, isHeadOf, isWritable, storedNodes, type Head } from '../hypercore-adapter.ts'
import type { RunTree } from '../merkle/run-tree.ts'
import { combine, coverOf, type TreeNode } from '../merkle/subtree.ts'
import type { CoreLike } from '../types.ts'
import { mergeable } from './merging.ts'
import { provable, without, type Run } from './provable.ts'

/** What is to be done for a core. */
export interface CorePlan {
  /** What the archive says of it afterwards. */
  head: Head
  /** What the archive has already, and keeps; in order, without holes. */
  kept: readonly Segment[]
  /** Runs of blocks that the core has, and the archive has not. */
  wanted: readonly Run[]
  /** The last of what is kept, when it is in so many pieces that they are to be made one: all of it, or else it stays as it is. */
  merged: readonly Segment[]
  /** Whether the archive had another line of the core, which is given up. */
  isOtherLine: boolean
  /** Nodes that the archive has, by place: of blocks that were given up the core may have none. */
  known: ReadonlyMap<number, TreeNode>
}

/** Reads from the archive. */
export interface ArchiveParts {
  /** The segments of a list; `null` when the archive is damaged there. */
  segmentsOf(list: ListSegment): Promise<readonly Segment[] | null>
  /** Whether it is known that there is no use in a list. */
  isLost(list: ListSegment): boolean
  /** All nodes up to those over a segment's blocks; `null` when the archive is damaged there. */
  treeOf(segment: BlockSegment): Promise<RunTree | null>
}

/**
 * What a core has that the archive has not. Of an older line of the core all is kept that the tree of this one has, too: it is not uploaded
 * again.
 *
 * @param record - what the archive says of it now
 * @param head - what the core is now; when it is behind the archive, that keeps what it has
 * @returns `null` when there is nothing to be done
 * @throws S3ArchiverError `S3_ARCHIVER_LOCAL_FAILED` when the archive is on a later fork, or a writer behind it
 */
export async function planOf(
  core: CoreLike,
  record: CoreRecord | null,
  head: Head,
  archive: ArchiveParts
): Promise<CorePlan | null> {
  if (record !== null && record.fork > head.fork)
    throw new S3ArchiverError(
      'S3_ARCHIVER_LOCAL_FAILED',
      `the archive holds a core on fork ${record.fork}, and here it is on fork ${head.fork}: it was continued elsewhere, so it is not archived from here`
    )
  const isBehind = record !== null && record.fork === head.fork && record.length > head.length
  // A replica catches up; a writer would sign other blocks in the place of these.
  if (isBehind && isWritable(core))
    throw new S3ArchiverError(
      'S3_ARCHIVER_LOCAL_FAILED',
      `the archive holds ${record.length} blocks of a core that is written here, and has ${head.length}: its store was set back; restore it to be written`
    )
  const target = isBehind ? record : head
  const { kept, isCut, known } = await keep(core, record, target.length, archive)
  const isNew = target.fork !== record?.fork || target.length !== record.length
  const held = without([[0, target.length]], runsOf(kept)).flatMap(([start, end]) =>
    heldRuns(core, start, Math.min(end, head.length))
  )
  const wanted = await provable(core, runsOf(kept), held, target.length, known)
  if (!isNew && wanted.length === 0) return null
  const isOtherLine = record !== null && (isCut || record.fork !== target.fork)
  return { head: target, kept, wanted, merged: isNew ? mergedOf(core, kept) : [], isOtherLine, known }
}

/** What the archive will lack of a core once some blocks are packed; it is told with what stands over it. @throws S3ArchiverError `S3_ARCHIVER_LOCAL_DAMAGED` */
export async function holesOf(
  core: CoreLike,
  { head, kept, known }: CorePlan,
  packed: readonly Run[]
): Promise<HoleSegment[]> {
  return holesIn(core, without([[0, head.length]], [...runsOf(kept), ...packed]), known)
}

/**
 * What the archive says of a core once its blocks are there. What was to be made one is that only when all of it was packed: blocks that were archived once
 * may be gone here by now.
 *
 * @param packed - segments of the blocks that were packed
 * @throws S3ArchiverError `S3_ARCHIVER_LOCAL_DAMAGED` when that is not what the core's key has signed: what a disk has spoilt is not archived
 */
export function recordOf(
  key: Uint8Array,
  { head, kept, merged }: CorePlan,
  packed: readonly BlockSegment[],
  holes: readonly HoleSegment[]
): CoreRecord {
  const [from, to] = spanOfAll(merged) ?? [0, 0]
  const [again, fresh] = [packed.filter(isIn), packed.filter((segment) => !isIn(segment))]
  function isIn({ start }: Segment): boolean {
    return start >= from && start < to
  }
  const whole = again.reduce((sum, { count }) => sum + count, 0) === to - from
  const older = kept.slice(0, kept.length - merged.length)
  // What was read anew may have been spoilt since.
  for (const base of whole ? [[...older, ...again], kept] : [kept]) {
    const record = { ...head, segments: [...base, ...fresh, ...holes].sort((a, b) => a.start - b.start) }
    if (isSigned(key, head, record)) return record
  }
  throw localDamage('the blocks of a core are not those that its key has signed')
}

function isSigned(key: Uint8Array, head: Head, record: CoreRecord): boolean {
  try {
    return isHeadOf(key, head, rootsOf(record))
  } catch {
    // They do not even make a tree.
    return false
  }
}

/** What of an archived core is also of a core of so many blocks, as far as its tree contradicts nothing. */
async function keep(
  core: CoreLike,
  record: CoreRecord | null,
  length: number,
  archive: ArchiveParts
): Promise<{ kept: Segment[]; isCut: boolean; known: Map<number, TreeNode> }> {
  const kept: Segment[] = []
  const known = new Map<number, TreeNode>()
  let isCut = false
  const look = async (segments: readonly Segment[]): Promise<void> => {
    const nodes = await storedNodes(
      core,
      segments.flatMap((segment) => segment.nodes.map(({ index }) => index))
    )
    let at = 0
    for (const segment of segments) {
      for (const node of segment.nodes) known.set(node.index, node)
      const local = nodes.slice(at, (at += segment.nodes.length))
      if (segment.kind === 'hole') continue
      const isShared = segment.start + segment.count <= length && !isContradicted(segment, local)
      const isList = segment.kind === 'list'
      // What a list says that is lost is archived anew.
      if (isList && (!isShared || archive.isLost(segment) || (await isFillable(core, segment, archive))))
        await look((await archive.segmentsOf(segment)) ?? [])
      else if (isShared) kept.push(segment)
      else if (segment.kind === 'blocks') {
        isCut = true
        kept.push(...(await cut(core, segment, length, archive)))
      }
    }
  }
  await look(record?.segments ?? [])
  return { kept, isCut, known }
}

/** The beginning of a segment that the core has, too, as far as its tree tells. It stays where it is; that is read once, to hash it. */
async function cut(
  core: CoreLike,
  segment: BlockSegment,
  length: number,
  archive: ArchiveParts
): Promise<BlockSegment[]> {
  const { start } = segment
  const most = Math.min(segment.count, length - start)
  const tree = most > 0 ? await archive.treeOf(segment) : null
  if (tree === null) return []
  const leaves = Array.from({ length: most }, (_, i) => tree.node(2 * (start + i)) as TreeNode)
  const local = await storedNodes(
    core,
    leaves.map(({ index }) => index)
  )
  const differing = leaves.findIndex((leaf, i) => isContradicted({ nodes: [leaf] }, local.slice(i, i + 1)))
  const count = differing === -1 ? most : differing
  return count === 0
    ? []
    : [{ ...segment, count, nodes: combine(start, start + count, leaves.slice(0, count)) }]
}

/** What the core does not know, as it does of blocks that it gave up, contradicts nothing; the signature has the last word. */
function isContradicted({ nodes }: Pick<Segment, 'nodes'>, local: readonly (TreeNode | null)[]): boolean {
  return nodes.some((node, i) => {
    const known = local[i] ?? null
    return known !== null && !(known.size === node.size && b4a.equals(known.hash, node.hash))
  })
}

async function isFillable(core: CoreLike, list: ListSegment, archive: ArchiveParts): Promise<boolean> {
  if (list.missing === 0) return false
  const inside = await archive.segmentsOf(list)
  if (inside === null) return true
  return inside.some(
    (one) => one.kind === 'hole' && heldRuns(core, one.start, one.start + one.count).length > 0
  )
}

/** The last segments, as far as they are to be made one; only what is all here can be. */
function mergedOf(core: CoreLike, kept: readonly Segment[]): readonly Segment[] {
  const merged = kept.slice(kept.length - mergeable(kept))
  const run = spanOfAll(merged)
  if (run === null || !isContiguous(merged, ...run)) return []
  const [held] = heldRuns(core, ...run)
  return held?.[0] === run[0] && held[1] === run[1] ? merged : []
}

/** From the first block of segments to the end of the last one. */
export function spanOfAll(segments: readonly Segment[]): Run | null {
  const [first, last] = [segments[0], segments.at(-1)]
  return first === undefined || last === undefined ? null : [first.start, last.start + last.count]
}

function runsOf(segments: readonly Segment[]): Run[] {
  return segments.map(({ start, count }) => [start, start + count])
}

async function holesIn(
  core: CoreLike,
  runs: readonly Run[],
  archived: ReadonlyMap<number, TreeNode>
): Promise<HoleSegment[]> {
  const holes: HoleSegment[] = []
  for (const [start, end] of runs) {
    const cover = coverOf(start, end)
    const local = await storedNodes(core, cover)
    const nodes = cover.map((index, i) => local[i] ?? archived.get(index))
    if (nodes.includes(undefined)) throw localDamage('a core lacks what stands over blocks that it lacks')
    const plain = (nodes as TreeNode[]).map(({ index: at, size, hash }) => ({ index: at, size, hash }))
    holes.push({ kind: 'hole', start, count: end - start, nodes: plain })
  }
  return holes
}

function localDamage(what: string): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_LOCAL_DAMAGED', what)
}
