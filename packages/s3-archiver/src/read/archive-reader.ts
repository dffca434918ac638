import b4a from 'b4a'
import { S3ArchiverError } from '../errors.ts'
import { newestCommit } from '../archive/commit-log.ts'
import { decodeCommit } from '../format/commit.ts'
import { blindIdOf, commitSeq } from '../format/names.ts'
import { rootsOf, unsealRecord, type CoreRecord, type Segment } from '../format/record.ts'
import { decodeShardTable } from '../format/shard.ts'
import { isHeadOf } from '../hypercore-adapter.ts'
import { combine, leafOf, type TreeNode } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

/** Largest object that is read as a whole: a shard, which one block of Hypercore's largest may exceed a little. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024

/** What an archive holds of a core, checked against the core's key: nothing else is trusted. */
export interface ArchivedCore {
  key: Uint8Array
  record: CoreRecord
  /** Of the newest commit. */
  seq: number
  timeMs: number
}

/**
 * Looks up what the newest commit says of a core.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, `S3_ARCHIVER_NEWER_FORMAT`, and what the store throws
 */
export async function readHead(
  store: ObjectStore,
  key: Uint8Array,
  call: CallOptions = {}
): Promise<ArchivedCore> {
  const newest = await newestCommit(store, call)
  const blindId = blindIdOf(key)
  const sealed = newest?.commit.records.find((record) => b4a.equals(record.blindId, blindId))
  if (newest === null || sealed === undefined)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'this archive holds nothing of this core')
  const record = unsealRecord(key, sealed.seq, sealed.sealed)
  const roots = rootsOrFail(record)
  if (!isHeadOf(key, record, roots)) throw damaged('the head of a core is not signed with its key')
  return { key, record, seq: newest.commit.seq, timeMs: newest.commit.timeMs }
}

/**
 * The blocks of a segment, as the core stores them, each checked. Cost: one request, two for the tail of a commit that is not known.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when it is not there, or not what the core's key has signed
 */
export async function readSegment(
  store: ObjectStore,
  key: Uint8Array,
  segment: Segment,
  call: CallOptions = {}
): Promise<Uint8Array[]> {
  const result = await store.getRange(segment.object, { start: 0, end: MAX_OBJECT_BYTES }, call)
  if (result === null) throw damaged('an object of it is missing')
  const shard = commitSeq(segment.object) === null ? result.bytes : decodeCommit(result.bytes).tail
  const blindId = blindIdOf(key)
  const section = decodeShardTable(shard).find(
    ({ blindId: id, fork, start, count }) =>
      b4a.equals(id, blindId) && fork === segment.fork && start === segment.start && count === segment.count
  )
  if (section === undefined) throw damaged('an object lacks what it should hold')
  const blocks: Uint8Array[] = []
  let offset = section.offset
  for (const size of section.sizes) {
    const block = shard.subarray(offset, offset + size)
    if (block.byteLength !== size) throw damaged('an object is cut short')
    // A copy: else one block would keep the whole shard in memory.
    blocks.push(b4a.from(block))
    offset += size
  }
  const end = segment.start + segment.count
  const made = combine(
    segment.start,
    end,
    blocks.map((block, i) => leafOf(segment.start + i, block))
  )
  const isSame = made.every(({ size, hash }, i) => {
    const node = segment.nodes[i]
    return node !== undefined && node.size === size && b4a.equals(node.hash, hash)
  })
  if (!isSame) throw damaged('blocks are not those that the core’s key has signed')
  return blocks
}

function rootsOrFail(record: CoreRecord): TreeNode[] {
  try {
    return rootsOf(record)
  } catch {
    throw damaged('its segments do not make its tree')
  }
}

function damaged(what: string): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_DAMAGED', `the archive is damaged: ${what}`)
}
