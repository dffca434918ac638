import { TOMBSTONE } from '../layers/tombstone-encoding.ts'
import { byPrecedence, type Candidate, type Candidates, type Resolve, resolved } from '../resolve.ts'
import type { Entry, SourceInfo } from '../types.ts'

/** What is shown of one key; `source` is `null` for what a resolver has made. */
export interface Shown<K, V> {
  entry: Entry<K, V>
  source: SourceInfo | null
}

/**
 * What sources that have the same key show together: a tombstone hides all after it, and the resolver decides among those before it.
 *
 * @param candidates - in order of precedence
 * @returns `null` when the first one is a tombstone, or there is none
 * @throws UnionBeeError `UNION_BEE_RESOLVER_FAILED`
 */
export function visible<K, V>(
  candidates: readonly Candidate<K, V>[],
  resolve: Resolve<K, V>
): Shown<K, V> | null {
  const hidden = candidates.findIndex(({ entry }) => entry.value === TOMBSTONE)
  const seen = hidden === -1 ? candidates : candidates.slice(0, hidden)
  const [first] = seen
  if (first === undefined) return null
  if (seen.length === 1 || resolve === byPrecedence) return first
  return resolved(resolve, seen as unknown as Candidates<K, V>)
}
