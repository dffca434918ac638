import { S3ArchiverError } from '../errors.ts'
import type { Entry } from '../format/entry.ts'
import { blindIdOf } from '../format/names.ts'
import { rootsOf, unsealRecord, type CoreRecord } from '../format/record.ts'
import { decodeSegmentList } from '../format/segment-list.ts'
import type { BlockSegment, HoleSegment, ListSegment, Segment } from '../format/segment.ts'
import { isHeadOf } from '../hypercore-adapter.ts'
import { isSameCover, type TreeNode } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { commitAsOf, commitAt, newestCommit, type Moment, type StoredCommit } from './commits.ts'
import { findEntry } from './directory.ts'
import { damaged, readNamed } from './objects.ts'

/** Lists may hold lists; deeper than this none is written. */
export const MAX_LIST_DEPTH = 8

/** What an archive holds of a core, checked against the core's key: nothing else is trusted. */
export interface ArchivedCore {
  key: Uint8Array
  record: CoreRecord
  /** Nodes at the top of the tree that the core's key has signed. */
  roots: readonly TreeNode[]
  /** As it stands in the archive. */
  entry: Entry
  /** Of the commit that was asked: the newest one. */
  seq: number
  timeMs: number
}

export interface ReadHeadOptions extends CallOptions {
  /** As the archive was then. @defaultValue its newest commit */
  at?: Moment
}

/**
 * Looks up what the archive says of a core. Cost: a list and a get; in an archive of many cores up to two gets more.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT`, and what the store throws
 */
export async function readHead(
  store: ObjectStore,
  key: Uint8Array,
  { at, ...call }: ReadHeadOptions = {}
): Promise<ArchivedCore> {
  const stored = at === undefined ? await newestCommit(store, call) : await commitAsOf(store, at, call)
  return readHeadIn(store, key, stored, call)
}

/** What one commit says of a core; see {@link readHead}. */
export async function readHeadIn(
  store: ObjectStore,
  key: Uint8Array,
  stored: StoredCommit | null,
  call: CallOptions = {}
): Promise<ArchivedCore> {
  const entry = stored && (await findEntry(store, stored.commit, blindIdOf(key), call))
  if (entry === null)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'this archive holds nothing of this core')
  const { seq, timeMs } = (stored as StoredCommit).commit
  return { ...checkedEntry(key, entry), seq, timeMs }
}

/** What the archive held of a core before it was truncated to what it is now; `null` when that is unknown, or pruned. */
export async function readPrevious(
  store: ObjectStore,
  { key, entry }: ArchivedCore,
  call: CallOptions = {}
): Promise<ArchivedCore | null> {
  if (entry.previous === null) return null
  try {
    return await readHeadIn(store, key, await commitAt(store, entry.previous, call), call)
  } catch (error) {
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED') return null
    throw error
  }
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when it is not signed with the core's key */
export function checkedEntry(
  key: Uint8Array,
  entry: Entry
): Pick<ArchivedCore, 'key' | 'entry' | 'record' | 'roots'> {
  const record = unsealRecord(key, entry)
  const roots = rootsOrFail(record)
  if (!isHeadOf(key, record, roots)) throw damaged('the head of a core is not signed with its key')
  return { key, entry, record, roots }
}

/**
 * Segments with those of lists in the place of the lists: blocks and holes only. Of a range of blocks, only those that have some of it. Cost:
 * one get for each list.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when a list is not there, or not what the core's key has signed
 */
export async function* expandSegments(
  store: ObjectStore,
  key: Uint8Array,
  segments: readonly Segment[],
  { start = 0, end = Infinity, ...call }: CallOptions & { start?: number; end?: number } = {},
  depth = 0
): AsyncGenerator<BlockSegment | HoleSegment> {
  if (depth > MAX_LIST_DEPTH) throw damaged('lists in lists without end')
  for (const segment of segments) {
    if (segment.start >= end || segment.start + segment.count <= start) continue
    if (segment.kind !== 'list') yield segment
    else {
      const inside = await readList(store, key, segment, call)
      yield* expandSegments(store, key, inside, { start, end, ...call }, depth + 1)
    }
  }
}

/** The segments of a list, checked. */
export async function readList(
  store: ObjectStore,
  key: Uint8Array,
  list: ListSegment,
  call: CallOptions = {}
): Promise<Segment[]> {
  const segments = decodeSegmentList(key, await readNamed(store, list.object, call), list)
  const nodes = segments.flatMap((segment) => segment.nodes)
  if (!isSameCover(list, nodes)) throw damaged('a list is not what the core’s key has signed')
  return segments
}

function rootsOrFail(record: CoreRecord): TreeNode[] {
  try {
    return rootsOf(record)
  } catch {
    throw damaged('its segments do not make its tree')
  }
}
