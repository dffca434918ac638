import { UnionBeeError } from './errors.ts'
import type { Entry, SourceInfo } from './types.ts'

/** One source's entry of a key that several have. */
export interface Candidate<K = string, V = unknown> {
  readonly entry: Entry<K, V>
  readonly source: SourceInfo
}

/** At least one, in order of precedence. */
export type Candidates<K = string, V = unknown> = readonly [Candidate<K, V>, ...Candidate<K, V>[]]

/** Marks a value as made by a resolver. */
class Merged<V> {
  readonly value: V

  constructor(value: V) {
    this.value = value
  }
}

/**
 * Chooses among entries that share a key: returns one of the candidates, or `merged(value)`. Must be pure: two devices given the same
 * entries must choose the same.
 */
export type Resolve<K = string, V = unknown> = (candidates: Candidates<K, V>) => Candidate<K, V> | Merged<V>

/** The entry of the first source. The only choice that needs no look at the sources after it. */
export function byPrecedence<K, V>([first]: Candidates<K, V>): Candidate<K, V> {
  return first
}

/**
 * The entry with the greatest time; of equals, and of entries without one, that of the earlier source.
 *
 * @param timeOf - a hybrid logical clock as one number (48 bits of milliseconds, then 16 of the counter), or milliseconds; `null` is
 * earlier than any
 */
export function newest<K = string, V = unknown>(
  timeOf: (entry: Entry<K, V>) => number | bigint | null
): Resolve<K, V> {
  return ([first, ...others]) => {
    let [winner, latest] = [first, timeOf(first.entry)]
    for (const candidate of others) {
      const time = timeOf(candidate.entry)
      if (time === null || (latest !== null && time <= latest)) continue
      winner = candidate
      latest = time
    }
    return winner
  }
}

/** What a resolver returns that makes one value of several. The entry keeps key and seq of the first candidate. */
export function merged<V>(value: V): Merged<V> {
  return new Merged(value)
}

/** @throws UnionBeeError `UNION_BEE_RESOLVER_FAILED` when it throws, or returns what is no candidate */
export function resolved<K, V>(
  resolve: Resolve<K, V>,
  candidates: Candidates<K, V>
): { entry: Entry<K, V>; source: SourceInfo | null } {
  let choice: Candidate<K, V> | Merged<V>
  try {
    choice = resolve(candidates)
  } catch (cause) {
    throw new UnionBeeError('UNION_BEE_RESOLVER_FAILED', 'the resolver threw', { cause })
  }
  if (choice instanceof Merged) {
    const { key, seq } = candidates[0].entry
    return { entry: { seq, key, value: choice.value }, source: null }
  }
  if (!candidates.includes(choice))
    throw new UnionBeeError('UNION_BEE_RESOLVER_FAILED', 'the resolver returned what it was not given')
  return choice
}
