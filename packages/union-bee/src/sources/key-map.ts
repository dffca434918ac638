import { type Bounds, boundsOf, intersection, isWithin, withoutPrefix } from '../keys/bounds.ts'
import type { Keys } from '../keys/keys.ts'
import type { Entry, Key, KeyFilter, Source } from '../types.ts'

const EVERYWHERE = { lower: null, upper: null }

/** Which keys a source can have, and how the union calls them. */
export class KeyMap<K extends Key> {
  readonly prefix: K | null
  readonly #keys: Keys<K>
  readonly #bounds: Bounds<K>
  readonly #filter: KeyFilter<K> | null

  /** @throws UnionBeeError `UNION_BEE_BAD_KEY` */
  constructor({ prefix, range, filter }: Pick<Source<K>, 'prefix' | 'range' | 'filter'>, keys: Keys<K>) {
    this.prefix = prefix === undefined || prefix.length === 0 ? null : keys.check(prefix)
    this.#keys = keys
    this.#bounds = range === undefined ? EVERYWHERE : boundsOf(range, keys)
    this.#filter = filter ?? null
  }

  /** The key as the source has it; `null` when it cannot have it. @throws what the filter throws */
  innerKey(key: K): K | null {
    const keys = this.#keys
    let inner: K | null = key
    if (this.prefix !== null)
      inner = keys.startsWith(key, this.prefix) ? keys.cut(key, this.prefix.length) : null
    if (inner !== null && this.#bounds !== EVERYWHERE && !isWithin(inner, this.#bounds, keys)) inner = null
    if (inner !== null && this.#filter !== null && !this.#filter.has(inner)) inner = null
    return inner
  }

  /** The part of a range that the source can have, with keys as it has them; `null` when none. */
  innerBounds(bounds: Bounds<K>): Bounds<K> | null {
    const mapped = this.prefix === null ? bounds : withoutPrefix(bounds, this.prefix, this.#keys)
    return mapped && intersection(mapped, this.#bounds, this.#keys)
  }

  outerKey(inner: K): K {
    return this.prefix === null ? inner : this.#keys.join(this.prefix, inner)
  }

  /** The entry as the union shows it. */
  outerEntry<V>(entry: Entry<K, V>): Entry<K, V> {
    return this.prefix === null ? entry : { ...entry, key: this.outerKey(entry.key) }
  }

  /** Whether the two let the same keys through, and call them the same. */
  equals(other: KeyMap<K>): boolean {
    return (
      this.#filter === other.#filter &&
      this.#isSameKey(this.prefix, other.prefix) &&
      this.#isSameEnd(this.#bounds.lower, other.#bounds.lower) &&
      this.#isSameEnd(this.#bounds.upper, other.#bounds.upper)
    )
  }

  #isSameEnd(a: Bounds<K>['lower'], b: Bounds<K>['lower']): boolean {
    return a?.inclusive === b?.inclusive && this.#isSameKey(a?.key ?? null, b?.key ?? null)
  }

  #isSameKey(a: K | null, b: K | null): boolean {
    return a === null || b === null ? a === b : this.#keys.compare(a, b) === 0
  }
}
