import b4a from 'b4a'
import { commitEntries, type CommitTools } from '../archive/commit-entries.ts'
import { CommitLog } from '../archive/commit-log.ts'
import { Ledger } from '../archive/ledger.ts'
import { isSmall } from '../archive/merging.ts'
import { Packer } from '../archive/pack.ts'
import { SegmentLists } from '../archive/segment-lists.ts'
import { Uploads } from '../archive/uploads.ts'
import { Valve } from '../archive/valve.ts'
import { systemClock } from '../clock.ts'
import { bytes, checkArguments, RULES } from '../arguments.ts'
import { S3ArchiverError } from '../errors.ts'
import { sealRecord } from '../format/record.ts'
import { type BlockSegment, type HoleSegment, type Segment } from '../format/segment.ts'
import { checkedEntry, expandSegments } from '../read/archive-reader.ts'
import { readSegment } from '../read/opened-segment.ts'
import { Stop } from '../stop.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

export interface CompactOptions extends CallOptions {
  /** Cores whose small pieces are put together. */
  keys: readonly Uint8Array[]
  /** Of the archiver, which must not run meanwhile: it would be fenced. */
  writerId: Uint8Array
  /** As in `ArchiverOptions`. @defaultValue false */
  takeOver?: boolean
}

/** What was put together. */
export interface Compacted {
  /** Segments before and after, of all cores. */
  before: number
  after: number
  /** Of blocks that were read and uploaded again. */
  bytes: number
}

type Part = BlockSegment | HoleSegment

/**
 * Puts small pieces of cores together into shards, out of the archive itself: for cores that are here no more, or only in part. What is archived is the same
 * afterwards; what held the pieces goes by `prune`. An archiver does this for what it archives, by and by.
 *
 * @throws S3ArchiverError what `Archiver.flush` does, `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_BAD_ARGUMENT`
 */
export async function compact(store: ObjectStore, options: CompactOptions): Promise<Compacted> {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  const rules = {
    keys: RULES.keys,
    writerId: bytes(16),
    takeOver: RULES.flag,
    signal: RULES.signal
  }
  checkArguments(options, rules, ['keys', 'writerId'])
  const { keys, writerId, takeOver = false, signal } = options
  const stop = new Stop(signal)
  const call = { signal: stop }
  try {
    const log = await CommitLog.claim(store, { writerId, takeOver }, call)
    const valve = new Valve(systemClock, Infinity)
    const uploads = new Uploads(store, valve, stop, () => systemClock.now())
    const ledger = new Ledger(store, uploads)
    const lists = new SegmentLists(store, uploads)
    const tools = { store, log, uploads, ledger, lists, valve, stop, call }
    await tools.ledger.load(log.newest, call)
    const total: Compacted = { before: 0, after: 0, bytes: 0 }
    for (const key of keys) {
      let compacted: Compacted | null
      do compacted = await compactCore(tools, key)
      while (compacted === null)
      const { before, after, bytes } = compacted
      total.before += before
      total.after += after
      total.bytes += bytes
    }
    return total
  } finally {
    stop.release()
  }
}

interface Tools extends CommitTools {
  store: ObjectStore
  lists: SegmentLists
  call: CallOptions
}

/** @returns `null` when it took so long that it is to be done anew */
async function compactCore(tools: Tools, key: Uint8Array): Promise<Compacted | null> {
  const { store, log, uploads, ledger, lists, call } = tools
  const entry = ledger.entryOf(key)
  if (entry === null)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'this archive holds nothing of this core')
  const { record } = checkedEntry(key, entry)
  const parts: Part[] = []
  for await (const part of expandSegments(store, key, record.segments, call)) parts.push(part)
  const small = smallOf(parts)
  if (small.size === 0) return { before: parts.length, after: parts.length, bytes: 0 }
  const { isInTime } = uploads.begin()
  const packer = new Packer(uploads)
  for (const part of small) {
    let seq = part.start
    for (const block of await readSegment(store, key, part, call))
      await packer.push(key, record.fork, seq++, block)
  }
  await packer.finish()
  const kept: Segment[] = parts.filter((part) => !small.has(part as BlockSegment))
  const all = [...kept, ...packer.segmentsOf(key)].sort((a, b) => a.start - b.start)
  const segments = await lists.fold(key, all, call)
  const seq = log.newest.commit.seq + 1
  const { front, previous } = entry
  const sealed = sealRecord(key, seq, { ...record, segments }, { front, previous })
  const compacted = checkedEntry(key, sealed).entry
  const content = { fronts: [], tail: b4a.alloc(0) }
  const stored = await commitEntries(tools, isInTime, [compacted], content)
  return stored && { before: parts.length, after: all.length, bytes: packer.bytes }
}

/** Small parts that stand beside another small one. */
function smallOf(parts: readonly Part[]): Set<BlockSegment> {
  const isSmallAt = (i: number): boolean => parts[i] !== undefined && isSmall(parts[i])
  return new Set(
    parts.filter((part, i): part is BlockSegment => isSmallAt(i) && (isSmallAt(i - 1) || isSmallAt(i + 1)))
  )
}
