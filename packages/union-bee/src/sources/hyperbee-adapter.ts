import b4a from 'b4a'
import type { BeeLike, Entry, KeyRange, SourceReadOptions } from '../types.ts'

/** What tells a sub of a Hyperbee (hyperbee/index.js, `sub`) from other bees. */
interface HyperbeeSub {
  readonly prefix: Uint8Array
  sub(prefix: string, options: { sep: Uint8Array; keyEncoding: string }): unknown
}

/**
 * A snapshot of a Hyperbee's sub forgets that it is one: without bounds it reads the whole bee (`checkout` passes `_sub: false`). A sub of
 * that snapshot with nothing more in its prefix has the bounds again.
 */
export function boundedSnapshot<K, V>(
  source: BeeLike<K, V>,
  snapshot: BeeLike<K, V>,
  keyEncoding: 'utf-8' | 'binary'
): BeeLike<K, V> {
  if (!isHyperbeeSub(source) || !isHyperbeeSub(snapshot)) return snapshot
  return snapshot.sub('', { sep: b4a.alloc(0), keyEncoding }) as BeeLike<K, V>
}

function isHyperbeeSub(bee: object): bee is HyperbeeSub {
  return 'prefix' in bee && bee.prefix instanceof Uint8Array && 'sub' in bee
}

/** How Hyperbee itself walks a range (hyperbee/iterators/range.js), below the stream of it. Pins the bee when it is made. */
export interface RangeIterator<K, V> {
  open(): Promise<void>
  /** `null` at the end. */
  next(): Promise<Entry<K, V> | null>
  /** Also ends a `next` under way. */
  close(): Promise<void>
}

/**
 * The walk without a stream around it, which costs more than the walk; `null` for a bee that has only streams.
 *
 * @param isLocal - nothing need be loaded ahead. Without a limit Hyperbee begins with up to 2,048 nodes (`_preloadQuery`), which for several
 * sources at once is most of the time to the first entry
 */
export function rangeIterator<K, V>(
  bee: BeeLike<K, V>,
  range: KeyRange<K>,
  options: SourceReadOptions,
  isLocal: boolean
): RangeIterator<K, V> | null {
  if (!('createRangeIterator' in bee) || typeof bee.createRangeIterator !== 'function') return null
  const limit = isLocal ? { limit: Number.MAX_SAFE_INTEGER } : {}
  return bee.createRangeIterator(range, { ...limit, ...options }) as RangeIterator<K, V>
}
