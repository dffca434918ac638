import crypto from 'hypercore-crypto'
import { CommitLog } from '../archive/commit-log.ts'
import { CoreWriter, type CoreBlueprint } from '../core-writer.ts'
import { writerIdFor } from '../corestore-adapter.ts'
import { S3ArchiverError } from '../errors.ts'
import type { CoreRecord } from '../format/record.ts'
import { missingIn, type Segment } from '../format/segment.ts'
import type { Head } from '../hypercore-adapter.ts'
import { treeOver, type TreeNode } from '../merkle/subtree.ts'
import { expandSegments, type ArchivedCore } from '../read/archive-reader.ts'
import { Stop } from '../stop.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { archiveLeap, leapHead, writerOf } from './new-writer.ts'
import { checkOptions, type Restored, type RestoreOptions } from './options.ts'
import { restoreMark, servesRestore } from './restore-mark.ts'
import { readPoint } from './restore-point.ts'
import { RunWriter } from './run-writer.ts'

type Range = { start: number; end: number }

/**
 * Puts an archived core into a Corestore. Every block is hashed and compared with the tree that the core's key has signed before it is stored; for
 * Hypercore the core is there only once all of it is. What failed, or was aborted, or crashed goes on where it was when it is called again with the
 * same archive and blocks, also when the core has grown since. Memory: 200 to 290 MB for the whole process at 1 GB, half of it RocksDB’s; a plain append takes more.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_NOT_EMPTY`, `S3_ARCHIVER_MISSING_BLOCKS` when all blocks are wanted and the archive lacks
 * some, `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_ABORTED`, `S3_ARCHIVER_BAD_ARGUMENT`, and what the store throws
 */
export async function restore(store: ObjectStore, options: RestoreOptions): Promise<Restored> {
  checkOptions(store, options)
  const { corestore, key, at, writable, writerId } = options
  const stop = new Stop(options.signal)
  const call = { signal: stop }
  try {
    await corestore.ready()
    let archived = await readPoint(store, key, at, call)
    const blueprint = await blueprintOf(archived, options)
    let [log, head]: [CommitLog | null, Head] = [null, archived.record]
    if (writable !== undefined) {
      // Nobody is fenced for what cannot be; and what is archived until then is not lost.
      leapHead(archived, blueprint)
      checkBlocks(archived.record, options)
      if (!(await CoreWriter.isFree(corestore, key))) throw notEmpty()
      log = await CommitLog.claim(
        store,
        { writerId: writerId ?? writerIdFor(corestore), takeOver: true },
        call
      )
      archived = await readPoint(store, key, at, call)
      head = leapHead(archived, blueprint)
    }
    const target = await CoreWriter.open(corestore, blueprint)
    if (target === null) throw notEmpty()
    try {
      const run = await fill(target, store, archived, options, stop)
      // Before the core is there: if this fails, it can be called again. If the rest does, the core leaps once more.
      const seq = log === null ? archived.seq : await archiveLeap(log, archived, head, call)
      const upper = treeOver(0, archived.record.length, run.nodes)
      await target.finish(head, archived.roots, upper?.values() ?? [])
      return restoredOf(archived, head, seq, run, writable !== undefined)
    } finally {
      await target.close()
    }
  } finally {
    stop.release()
  }
}

/** @throws S3ArchiverError `S3_ARCHIVER_MISSING_BLOCKS` */
function checkBlocks({ segments }: CoreRecord, { blocks = 'all' }: RestoreOptions): void {
  const missing = missingIn(segments)
  if (blocks !== 'all' || missing === 0) return
  throw new S3ArchiverError(
    'S3_ARCHIVER_MISSING_BLOCKS',
    `the archive lacks ${missing} blocks of the core; with \`blocks: 'held'\` the others are restored`
  )
}

function notEmpty(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_NOT_EMPTY', 'this Corestore holds the core already, or has it open')
}

async function blueprintOf(
  archived: ArchivedCore,
  { corestore, writable, blocks }: RestoreOptions
): Promise<CoreBlueprint> {
  const writer = writable === undefined ? { keyPair: null, alias: null } : await writerOf(corestore, writable)
  const mark = restoreMark(archived, blocks, writer.keyPair?.publicKey ?? null)
  return { key: archived.key, manifest: archived.record.manifest, mark, isOfUse: servesRestore, ...writer }
}

/** What was brought into a core, and the nodes over it. */
interface Filled extends Pick<Restored, 'blocks' | 'resumed' | 'bytes'> {
  nodes: readonly TreeNode[]
}

/** Brings the blocks that are wanted into a core that is not finished yet. */
async function fill(
  target: CoreWriter,
  store: ObjectStore,
  { key, record }: ArchivedCore,
  options: RestoreOptions,
  stop: Stop
): Promise<Filled> {
  const { onProgress, parallel = 8, blocks = 'all' } = options
  checkBlocks(record, options)
  const { segments, of } = await segmentsFor(store, key, record, blocks, { signal: stop })
  const run = new RunWriter(store, key, target, parallel, stop)
  try {
    for (const segment of segments)
      if (segment.kind === 'blocks' && isWanted(segment, blocks))
        await run.add(segment, () => onProgress?.({ blocks: run.blocks, of, bytes: run.bytes }))
  } finally {
    await run.done()
  }
  const { blocks: restored, resumed, bytes } = run
  return { blocks: restored, resumed, bytes, nodes: segments.flatMap((segment) => segment.nodes) }
}

function restoredOf(
  { record, roots, timeMs }: ArchivedCore,
  head: Head,
  seq: number,
  { blocks, resumed, bytes }: Filled,
  writable: boolean
): Restored {
  return {
    fork: head.fork,
    length: record.length,
    byteLength: roots.reduce((sum, { size }) => sum + size, 0),
    treeHash: crypto.tree(roots),
    seq,
    timeMs,
    blocks,
    resumed,
    missing: record.length - blocks,
    bytes,
    writable
  }
}

/** Segments of which those are read that are wanted; lists in which nothing is wanted stay lists. */
async function segmentsFor(
  store: ObjectStore,
  key: Uint8Array,
  { segments }: CoreRecord,
  blocks: RestoreOptions['blocks'],
  call: CallOptions
): Promise<{ segments: Segment[]; of: number }> {
  const result: Segment[] = []
  let of = 0
  for (const segment of segments) {
    if (segment.kind === 'list' && isWanted(segment, blocks))
      for await (const inside of expandSegments(store, key, [segment], call)) result.push(inside)
    else result.push(segment)
  }
  for (const segment of result)
    if (segment.kind === 'blocks' && isWanted(segment, blocks)) of += segment.count
  return { segments: result, of }
}

function isWanted({ start, count }: Segment, blocks: RestoreOptions['blocks']): boolean {
  if (blocks === 'none') return false
  if (blocks === undefined || typeof blocks === 'string') return true
  return blocks.some((range: Range) => range.start < start + count && range.end > start)
}
