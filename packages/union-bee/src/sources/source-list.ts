import { UnionBeeError } from '../errors.ts'
import type { BeeLike, Key, Source } from '../types.ts'
import { type Pinned, type SourceDefaults, SourceHandle } from './source-handle.ts'

/** The sources of a union in order of precedence. Reads keep the list they began with; a change makes a new one. */
export class SourceList<K extends Key, V> {
  readonly defaults: SourceDefaults<K>
  readonly #disjoint: boolean
  readonly #listeners = new Set<() => void>()
  readonly #retiring = new Map<SourceHandle<K, V>, Promise<void>>()
  #handles: readonly SourceHandle<K, V>[] = []
  #byCost: readonly SourceHandle<K, V>[] = []
  #hasLayers = false
  #named = 0

  constructor(defaults: SourceDefaults<K>, disjoint = false) {
    this.defaults = defaults
    this.#disjoint = disjoint
  }

  /** In order of precedence. */
  get handles(): readonly SourceHandle<K, V>[] {
    return this.#handles
  }

  /** In the order in which a lookup asks that ends at the first hit. */
  get asked(): readonly SourceHandle<K, V>[] {
    return this.#disjoint ? this.#byCost : this.#handles
  }

  get isDisjoint(): boolean {
    return this.#disjoint
  }

  get hasLayers(): boolean {
    return this.#hasLayers
  }

  /** Calls back after every change. Returns the way to stop it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * A handle for a source that is not in the list yet.
   *
   * @param pinned - what it is a snapshot of, if it is one
   * @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT`
   */
  handle(given: BeeLike<K, V> | Source<K, V>, pinned?: Pinned<K, V>): SourceHandle<K, V> {
    const source = isSource(given) ? given : { bee: given }
    return new SourceHandle(source, source.name ?? `source-${this.#named++}`, this.defaults, pinned)
  }

  /** @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` when two have one name, `UNION_BEE_NO_SOURCES` */
  replace(handles: readonly SourceHandle<K, V>[]): void {
    const names = handles.map(({ name }) => name)
    if (handles.length === 0)
      throw new UnionBeeError('UNION_BEE_NO_SOURCES', 'a union needs at least one source')
    if (new Set(names).size < names.length)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', `two sources have one name: ${names.join(', ')}`)
    this.#handles = [...handles]
    this.#byCost = handles.toSorted((a, b) => a.cost - b.cost)
    this.#hasLayers = handles.some(({ isLayer }) => isLayer)
    for (const listener of this.#listeners) listener()
  }

  /** Closes what the union has opened of a source that is no longer in the list, once nobody reads it any more. */
  retire(handle: SourceHandle<K, V>): Promise<void> {
    const retired = handle.retire().finally(() => this.#retiring.delete(handle))
    this.#retiring.set(handle, retired)
    return retired
  }

  /** Ends all waits for sources. */
  stop(reason: Error): void {
    for (const handle of [...this.#handles, ...this.#retiring.keys()]) handle.stop(reason)
  }

  /** Closes what the union has opened, also of sources that were removed. */
  async close(): Promise<void> {
    await Promise.all([...this.#handles.map((handle) => handle.retire()), ...this.#retiring.values()])
  }

  /** @throws UnionBeeError `UNION_BEE_UNKNOWN_SOURCE` */
  named(name: string): SourceHandle<K, V> {
    const found = this.#handles.find((handle) => handle.name === name)
    if (found === undefined)
      throw new UnionBeeError('UNION_BEE_UNKNOWN_SOURCE', `there is no source ${name}`, { source: name })
    return found
  }
}

function isSource<K extends Key, V>(given: BeeLike<K, V> | Source<K, V>): given is Source<K, V> {
  return typeof given === 'object' && given !== null && 'bee' in given
}
