import type { Bounds } from '../keys/bounds.ts'
import { addOnce } from '../partial.ts'
import type { DiffEntry, Key } from '../types.ts'
import type { Found } from '../sources/nested.ts'
import type { UnionCore } from '../union-core.ts'
import { changedKeys } from './changed-keys.ts'
import type { Reading } from './generator-reader.ts'
import { isLeftOut, isSameEntry } from './same-entry.ts'

/** What is compared: a view, or a snapshot of one. */
interface Side<K extends Key, V> {
  readonly core: UnionCore<K, V>
  readonly prefix: K | null
  readonly isPin: boolean
  ready(): Promise<void>
  close(): Promise<void>
  snapshot(): Side<K, V>
  found(key: K): Promise<Found<K, V>>
}

/**
 * Keys that are shown otherwise on the two sides, in byte order. A key of a source that one side was left without is no difference, for
 * nobody knows: the reading says so.
 *
 * @param what - bounds with the prefix of the sides; -1 is no limit; `showsFound`: what only the left side could look at counts as a
 * difference
 */
export async function* differences<K extends Key, V>(
  left: Side<K, V>,
  right: Side<K, V>,
  { bounds, limit, showsFound = false }: { bounds: Bounds<K>; limit: number; showsFound?: boolean },
  reading: Reading
): AsyncGenerator<DiffEntry<K, V>> {
  if (limit === 0) return
  const own: Side<K, V>[] = []
  const pinned = (side: Side<K, V>): Side<K, V> => {
    if (side.isPin) return side
    own.push(side.snapshot())
    return own.at(-1) as Side<K, V>
  }
  try {
    // Both sides stand still while they are compared.
    const [now, then] = [pinned(left), pinned(right)]
    await Promise.all([now.ready(), then.ready()])
    let count = 0
    for await (const outer of changedKeys(now.core, then.core, bounds, reading)) {
      const key = left.prefix === null ? outer : now.core.keys.cut(outer, left.prefix.length)
      const [a, b] = await Promise.all([now.found(key), then.found(key)])
      for (const skipped of [...a.skipped, ...b.skipped]) addOnce(skipped, reading.skipped)
      if (isLeftOut(b, a) || (isLeftOut(a, b) && !showsFound) || isSameEntry(a, b)) continue
      yield { left: a.entry, right: b.entry }
      if (++count === limit) return
    }
  } finally {
    await Promise.all(own.map((pin) => pin.close()))
  }
}
