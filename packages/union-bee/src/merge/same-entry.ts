import { dequal } from 'dequal'
import type { Found } from '../sources/nested.ts'

/**
 * Whether two looks at a key show the same. Of one source it is its position that tells, as Hyperbee's own diff has it: a value that was
 * written again is another entry. Its value is looked at, too, for positions repeat when a core is truncated. Between sources only the
 * value tells.
 */
export function isSameEntry<K, V>(a: Found<K, V>, b: Found<K, V>): boolean {
  if (a.entry === null || b.entry === null) return a.entry === b.entry
  if (!dequal(a.entry.value, b.entry.value)) return false
  return a.origin === null || a.origin !== b.origin || a.entry.seq === b.entry.seq
}

/** Whether what one of them shows is of a source that the other was left without: it may show the same. */
export function isLeftOut<K, V>({ paths }: Found<K, V>, { skipped }: Found<K, V>): boolean {
  return skipped.some(({ source }) => paths.some((path) => path === source || path.startsWith(`${source}/`)))
}
