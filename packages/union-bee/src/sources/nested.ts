import type { Answer, BeeLike, Key, Skipped } from '../types.ts'

/** What an answer rests on. */
export interface Trace {
  /** Sources it was found without, those of unions among the sources too. */
  skipped: Skipped[]
  /** Names of the sources it is of, those of unions among the sources after a slash: several when it is merged. */
  paths: string[]
  /** Where the entry stands, the same for two looks at the same sources; `null` when it is merged. */
  origin: string | null
}

/** An answer, and what it rests on. */
export interface Found<K, V> extends Answer<K, V> {
  readonly paths: readonly string[]
  readonly origin: string | null
}

/** A union among the sources. */
export interface UnionLike<K extends Key, V> extends BeeLike<K, V> {
  readonly core: { readonly sources: { readonly handles: readonly { openedBee: BeeLike<K, V> | null }[] } }
  found(key: K): Promise<Found<K, V>>
  readonly canPinNow: boolean
  openSources(): Promise<void>
}

export function isUnion<K extends Key, V>(bee: BeeLike<K, V>): bee is UnionLike<K, V> {
  return 'found' in bee && 'openSources' in bee
}
