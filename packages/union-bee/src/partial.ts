import { UnionBeeError } from './errors.ts'
import type { Answer } from './types.ts'

/**
 * An entry that says what it was found without.
 *
 * @throws UnionBeeError `UNION_BEE_PARTIAL` when there is no entry to say it on
 */
export function partial<E extends object>(
  entry: E | null,
  skipped: Answer['skipped']
): E & { skipped: Answer['skipped'] } {
  if (entry !== null) return { ...entry, skipped }
  const [first] = skipped
  throw new UnionBeeError(
    'UNION_BEE_PARTIAL',
    `nothing was found, but not all sources answered: ${skipped.map(({ source }) => source).join(', ')}`,
    { cause: first?.cause, source: first?.source ?? null }
  )
}
