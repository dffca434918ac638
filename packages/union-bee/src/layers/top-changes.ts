import { lookup } from '../merge/lookup.ts'
import type { Reading } from '../merge/generator-reader.ts'
import { addOnce } from '../partial.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type { DiffEntry, Entry, Key } from '../types.ts'
import type { UnionCore } from '../union-core.ts'
import { TOMBSTONE } from './tombstone-encoding.ts'

/** Every entry of the top beside what the other sources show. @param top - its name */
export async function* topChanges<K extends Key, V>(
  { sources, resolve }: UnionCore<K, V>,
  top: string,
  { own, skipped }: Reading
): AsyncGenerator<DiffEntry<K, V>> {
  const handle = sources.named(top)
  for await (const entry of entriesOf(handle, own)) {
    const handles = sources.handles.filter((other) => other !== handle)
    const below = await lookup({ handles, asked: handles, isDisjoint: false }, entry.key, resolve)
    for (const one of below.skipped) addOnce(one, skipped)
    if (below.entry === null && below.skipped.length > 0) continue
    const isDeleted = (entry.value as unknown) === TOMBSTONE
    yield { left: isDeleted ? null : entry, right: below.entry }
  }
}

/** @throws UnionBeeError `UNION_BEE_SOURCE_FAILED` */
async function* entriesOf<K extends Key, V>(
  handle: SourceHandle<K, V>,
  own: Reading['own']
): AsyncGenerator<Entry<K, V>> {
  try {
    const bee = await handle.openReady()
    yield* own(bee.createReadStream({}, handle.readOptions))
  } catch (error) {
    throw handle.failure(error)
  }
}
