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

/** A Hyperbee, as far as a lookup below its `get` needs it. */
interface Hyperbee<K, V> extends BeeLike<K, V> {
  readonly core: { readonly fork: number }
  batch(options?: SourceReadOptions): { get(key: K): Promise<Entry<K, V> | null>; close(): Promise<unknown> }
}

/**
 * A lookup in a batch that writes nothing. Hyperbee's own `get` opens a session of the core for each lookup and closes it again, which is
 * nearly half of the time that one takes; the session is there for the case that the core is truncated on the way. Here the fork tells.
 */
export async function lookUp<K, V>(
  bee: BeeLike<K, V>,
  key: K,
  options: SourceReadOptions | undefined
): Promise<Entry<K, V> | null> {
  // A copy each: Hyperbee notes in it what it waits for.
  const look = (): Promise<Entry<K, V> | null> => bee.get(key, options && { ...options })
  if (!isHyperbee(bee)) return look()
  const { core } = bee
  const { fork } = core
  const batch = bee.batch({ ...options })
  try {
    const entry = await batch.get(key)
    if (core.fork === fork) return entry
  } catch (error) {
    if (core.fork === fork) throw error
  } finally {
    void batch.close()
  }
  return look()
}

/** Not what has a `get` of its own. */
function isHyperbee<K, V>(bee: BeeLike<K, V>): bee is Hyperbee<K, V> {
  const { core, batch, constructor } = bee as Partial<Hyperbee<K, V>>
  return (
    'createRangeIterator' in bee &&
    typeof batch === 'function' &&
    typeof core?.fork === 'number' &&
    bee.get === (constructor?.prototype as { get?: unknown } | undefined)?.get
  )
}

/** Whether two bees are of one core: sessions, checkouts and subs of it too. The core of a bee that is not open may not be known. */
export function isSameBee(a: object, b: object): boolean {
  if (a === b) return true
  const [one, other] = [coreOf(a), coreOf(b)]
  if (one === null || other === null) return false
  return one === other || (one.key != null && other.key != null && b4a.equals(one.key, other.key))
}

function coreOf(bee: object): { key?: Uint8Array | null } | null {
  const { core = null } = bee as { core?: { key?: Uint8Array | null } | null }
  return core
}
