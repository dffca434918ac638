import { UnionBeeError } from './errors.ts'
import type { Bounds } from './keys/bounds.ts'
import type { Keys } from './keys/keys.ts'
import { type BatchReader, MergeReader } from './merge/merge-reader.ts'
import { SourceCursor } from './merge/source-cursor.ts'
import type { ReaderStream } from './merge/union-stream.ts'
import type { Resolve } from './resolve.ts'
import type { SourceList } from './sources/source-list.ts'
import type { Entry, Key } from './types.ts'

/** What a union, its subs and their streams share. */
export interface UnionCore<K extends Key, V> {
  readonly sources: SourceList<K, V>
  readonly keys: Keys<K>
  readonly resolve: Resolve<K, V>
  /** Closed with the union. */
  readonly streams: Set<ReaderStream<never>>
  readonly watchers: Set<{ close(): Promise<void> }>
  closed: boolean
}

/** Begins a scan of all sources. Those that are local and open are pinned now. */
export function scan<K extends Key, V>(
  { sources, keys, resolve }: UnionCore<K, V>,
  bounds: Bounds<K>,
  reverse: boolean,
  limit: number
): BatchReader<Entry<K, V>> {
  // A tombstone or a hidden entry fills no place of the limit, so a layer may have to give more.
  const sourceLimit = sources.hasLayers ? Infinity : limit
  const cursors = sources.handles.flatMap((handle, rank) => {
    const inner = limit > 0 ? handle.innerBounds(bounds) : null
    if (inner === null) return []
    const cursor = new SourceCursor(handle, rank, inner, reverse, sourceLimit)
    if (!handle.isDeferred) cursor.pin()
    return [cursor]
  })
  return new MergeReader(cursors, { keys, resolve, reverse, limit })
}

/** Ends all streams and watchers of a union, and waits until they have let go of their sources. Reads are refused from now on. */
export async function closeReaders<K extends Key, V>(core: UnionCore<K, V>): Promise<void> {
  const { streams, watchers } = core
  core.closed = true
  await Promise.all([...watchers].map((watcher) => watcher.close()))
  await Promise.all(
    [...streams].map(
      (stream) =>
        new Promise<void>((resolve) => {
          stream.on('error', () => {})
          stream.once('close', resolve)
          stream.destroy(new UnionBeeError('UNION_BEE_CLOSED', 'the union was closed while it was read'))
        })
    )
  )
}
