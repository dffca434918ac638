import type { Found } from '../sources/nested.ts'
import type { UnionStream } from '../merge/union-stream.ts'
import type { DiffEntry, Key, KeyRange } from '../types.ts'
import type { UnionCore } from '../union-core.ts'

/** What the watchers need of a view, so that neither file needs the other. */
export interface Watchable<K extends Key, V> {
  readonly core: UnionCore<K, V>
  found(key: K): Promise<Found<K, V>>
  snapshot(): Pinned<K, V>
}

/** What the watchers need of a snapshot. */
export interface Pinned<K extends Key, V> extends Watchable<K, V> {
  ready(): Promise<void>
  close(): Promise<void>
  createDiffStream(other: never, range?: KeyRange<K>): UnionStream<DiffEntry<K, V>>
}
