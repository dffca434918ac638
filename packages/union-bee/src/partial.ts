import { UnionBeeError } from './errors.ts'
import type { Skipped } from './types.ts'

/**
 * An entry that says what it was found without.
 *
 * @throws UnionBeeError `UNION_BEE_PARTIAL` when there is no entry to say it on
 */
export function partial<E extends object>(
  entry: E | null,
  skipped: readonly Skipped[]
): E & { skipped: readonly Skipped[] } {
  if (entry !== null) return { ...entry, skipped }
  const [first] = skipped
  throw new UnionBeeError(
    'UNION_BEE_PARTIAL',
    `nothing was found, but not all sources answered: ${skipped.map(({ source }) => source).join(', ')}`,
    { cause: first?.cause, source: first?.source ?? null }
  )
}

/** What a union among the sources was left without, as the outer one names it. */
export function skippedWithin(name: string, skipped: readonly Skipped[]): Skipped[] {
  return skipped.map(({ source, cause }) => ({ source: `${name}/${source}`, cause }))
}

/** Names a source that was skipped, if it is not named yet. */
export function addOnce(one: Skipped, skipped: Skipped[]): void {
  if (!skipped.some(({ source }) => source === one.source)) skipped.push(one)
}
