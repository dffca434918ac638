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
  /** Of a pin: what it is a pin of, until it is made. */
  sources: SourceList<K, V>
  readonly keys: Keys<K>
  readonly resolve: Resolve<K, V>
  /** Closed with the union. */
  readonly streams: Set<ReaderStream<never>>
  readonly watchers: Set<{ close(): Promise<void> }>
  closed: boolean
}

/** What a view reads: the sources of a union as they are, or a pin of them. */
export interface Basis<K extends Key, V> {
  readonly core: UnionCore<K, V>
  /** Whether it may be read. A union always may. */
  readonly isReady: boolean
  ready(): Promise<void>
}

/** Begins a scan of all sources. Those that are local and open are pinned now. */
export function scan<K extends Key, V>(
  { sources, keys, resolve }: Pick<UnionCore<K, V>, 'sources' | 'keys' | 'resolve'>,
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

export function closedError(): UnionBeeError {
  return new UnionBeeError('UNION_BEE_CLOSED', 'the union was closed while it was read')
}

/** Refuses reads from now on, and ends all waits for sources, which may never end otherwise. */
export function stopReading<K extends Key, V>(core: UnionCore<K, V>): void {
  if (core.closed) return
  core.closed = true
  core.sources.stop(closedError())
  for (const stream of core.streams) {
    stream.on('error', () => {})
    stream.destroy(closedError())
  }
}

/** Waits until all streams and watchers of a union have ended and let go of their sources. */
export async function closeReaders<K extends Key, V>(core: UnionCore<K, V>): Promise<void> {
  stopReading(core)
  const ends = [...core.streams].map(
    (stream) => new Promise<void>((resolve) => void stream.once('close', resolve))
  )
  await Promise.all([...ends, ...Array.from(core.watchers, (watcher) => watcher.close())])
}
