import type { Found } from '../sources/nested.ts'
import type { Key, KeyRange } from '../types.ts'
import type { UnionCore } from '../union-core.ts'

/** What the watchers need of a view, so that neither file needs the other. */
export interface Watchable<K extends Key, V> {
  readonly core: UnionCore<K, V>
  found(key: K): Promise<Found<K, V>>
  snapshot(): Pinned<K, V>
}

/** Of a look with an earlier one. `partial`: nothing differs that could be looked at now, but not all could be. */
export type Comparison = 'same' | 'differ' | 'partial'

/** What the watchers need of a snapshot. */
export interface Pinned<K extends Key, V> extends Watchable<K, V> {
  ready(): Promise<void>
  close(): Promise<void>
  compare(other: never, range: KeyRange<K>): Promise<Comparison>
}
