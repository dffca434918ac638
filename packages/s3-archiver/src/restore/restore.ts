import { S3ArchiverError } from '../errors.ts'
import { makeCore } from '../hypercore-adapter.ts'
import { expandSegments, readHead, readSegment } from '../read/archive-reader.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { CorestoreLike } from '../types.ts'

export interface RestoreOptions extends CallOptions {
  /** Where it goes. It must not hold the core yet. */
  corestore: CorestoreLike
  /** Key of the core, 32 bytes: all that is trusted. */
  key: Uint8Array
  onProgress?: (progress: { blocks: number; of: number }) => void
}

/** What was restored. */
export interface Restored {
  fork: number
  /** In blocks. */
  length: number
  byteLength: number
  /** Of the archive's newest commit, and when it was made by its author's clock. */
  seq: number
  timeMs: number
}

/**
 * Puts an archived core into a Corestore, as a replica. Every block is hashed and compared with the tree that the core's key has signed before it is
 * stored; the core is there only once all of it is. Memory: one shard.
 *
 * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_NOT_EMPTY`, `S3_ARCHIVER_DAMAGED`, and what the store throws
 */
export async function restore(store: ObjectStore, options: RestoreOptions): Promise<Restored> {
  const { corestore, key, onProgress, ...call } = options
  const { record, seq, timeMs } = await readHead(store, key, call)
  const target = await makeCore(corestore, key, record.manifest)
  if (target === null)
    throw new S3ArchiverError('S3_ARCHIVER_NOT_EMPTY', 'this Corestore already holds something of the core')
  try {
    let byteLength = 0
    for await (const segment of expandSegments(store, key, record.segments, call)) {
      if (segment.kind === 'hole') continue
      const blocks = await readSegment(store, key, segment, call)
      await target.write(blocks)
      for (const block of blocks) byteLength += block.byteLength
      onProgress?.({ blocks: segment.start + segment.count, of: record.length })
    }
    if (!(await target.finish(record)))
      throw new S3ArchiverError(
        'S3_ARCHIVER_DAMAGED',
        'the archive is damaged: its blocks are not what the core’s key has signed'
      )
    const { fork, length } = record
    return { fork, length, byteLength, seq, timeMs }
  } finally {
    await target.close()
  }
}
