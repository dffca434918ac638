import b4a from 'b4a'
import type { BeeLike, Entry, KeyRange, SourceReadOptions } from '../types.ts'

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

/** A core, as far as it is looked at here. */
interface Core {
  readonly key?: Uint8Array | null
  /** Counts truncations. */
  readonly fork?: number
  on?(event: 'truncate', listener: () => void): unknown
  off?(event: 'truncate', listener: () => void): unknown
}

/** Whether a core was truncated between two pins of its bee: Hyperbee's own diff between them tells nothing then. Both must be open. */
export function isTruncatedBetween(a: object, b: object): boolean {
  return coreOf(a)?.fork !== coreOf(b)?.fork
}

/** Calls back when the core of a bee was truncated, which Hyperbee's own watcher may miss. Returns the way to stop it. */
export function onTruncate(bee: object, listener: () => void): () => void {
  const core = coreOf(bee)
  if (typeof core?.on !== 'function' || typeof core.off !== 'function') return () => {}
  core.on('truncate', listener)
  return () => core.off?.('truncate', listener)
}

/** Whether two bees are of one core: sessions, checkouts and subs of it too. The core of a bee that is not open may not be known. */
export function isSameBee(a: object, b: object): boolean {
  if (a === b) return true
  const [one, other] = [coreOf(a), coreOf(b)]
  if (one === null || other === null) return false
  return one === other || (one.key != null && other.key != null && b4a.equals(one.key, other.key))
}

function coreOf(bee: object): Core | null {
  const { core = null } = bee as { core?: Core | null }
  return core
}
