import { TOMBSTONE } from '../layers/tombstone-encoding.ts'
import { byPrecedence, type Candidate, type Resolve } from '../resolve.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type { SourceList } from '../sources/source-list.ts'
import type { Answer, Entry, Key, Skipped } from '../types.ts'
import { visible } from './visible.ts'

/** An answer, and what it rests on: equal for two looks at the same entries of the same sources. */
export interface Found<K, V> extends Answer<K, V> {
  basis: string
}

const COMPLETE: readonly Skipped[] = []

/** Looks up one key as a union shows it. @throws UnionBeeError as the sources' policies say */
export function lookup<K extends Key, V>(
  sources: SourceList<K, V>,
  key: K,
  resolve: Resolve<K, V>
): Promise<Found<K, V>> {
  if (sources.isDisjoint || resolve === byPrecedence) return firstHit(sources, key)
  return bestHit(sources.handles, key, resolve)
}

/** Asks one after the other: the next matters only when this one has nothing. */
async function firstHit<K extends Key, V>(sources: SourceList<K, V>, key: K): Promise<Found<K, V>> {
  let skipped = COMPLETE
  for (const handle of sources.asked) {
    const inner = handle.innerKey(key)
    if (inner === null) continue
    const nested: Skipped[] = []
    try {
      const entry = await handle.get(inner, nested)
      if (nested.length > 0) skipped = [...skipped, ...nested]
      if (entry === null) continue
      if (sources.isDisjoint) skipped = nested
      if (entry.value === TOMBSTONE) return { entry: null, source: null, skipped, basis: '' }
      return { entry, source: handle.name, skipped, basis: step(handle, entry) }
    } catch (error) {
      skipped = [...skipped, skip(handle, error)]
    }
  }
  return { entry: null, source: null, skipped, basis: '' }
}

/** Asks all at once: the resolver must see them all. */
async function bestHit<K extends Key, V>(
  handles: readonly SourceHandle<K, V>[],
  key: K,
  resolve: Resolve<K, V>
): Promise<Found<K, V>> {
  const asked = handles.flatMap((handle) => {
    const inner = handle.innerKey(key)
    if (inner === null) return []
    const nested: Skipped[] = []
    return [{ handle, nested, work: Promise.allSettled([handle.get(inner, nested)]) }]
  })
  const candidates: Candidate<K, V>[] = []
  let basis = ''
  const skipped: Skipped[] = []
  for (const { handle, nested, work } of asked) {
    const [result] = await work
    if (result.status === 'rejected') {
      skipped.push(skip(handle, result.reason))
      continue
    }
    skipped.push(...nested)
    if (result.value === null) continue
    candidates.push({ entry: result.value, source: handle })
    // What the sources after it have, or that they fail, does not matter.
    if (result.value.value === TOMBSTONE) break
    basis += step(handle, result.value)
  }
  const shown = visible(candidates, resolve)
  return { entry: shown?.entry ?? null, source: shown?.source?.name ?? null, skipped, basis }
}

/** @throws UnionBeeError the failure, unless the source may be left out */
function skip<K extends Key, V>(handle: SourceHandle<K, V>, error: unknown): Skipped {
  const failure = handle.failure(error)
  if (handle.policy === 'fail') throw failure
  return { source: handle.name, cause: failure }
}

function step<K extends Key, V>({ name }: SourceHandle<K, V>, { seq }: Entry<K, V>): string {
  return `${seq}@${name}\0`
}
