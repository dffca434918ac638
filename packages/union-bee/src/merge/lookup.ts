import { TOMBSTONE } from '../layers/tombstone-encoding.ts'
import { byPrecedence, type Candidate, type Resolve } from '../resolve.ts'
import type { Found, Trace } from '../sources/nested.ts'
import { Waits } from '../sources/patience.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type { SourceList } from '../sources/source-list.ts'
import type { Entry, Key, Skipped } from '../types.ts'
import { visible } from './visible.ts'

const COMPLETE: readonly Skipped[] = []
const NOWHERE: readonly string[] = []

/** Looks up one key as a union shows it. @throws UnionBeeError as the sources' policies say */
export function lookup<K extends Key, V>(
  sources: Pick<SourceList<K, V>, 'asked' | 'handles' | 'isDisjoint'>,
  key: K,
  resolve: Resolve<K, V>
): Promise<Found<K, V>> {
  if (sources.isDisjoint || resolve === byPrecedence) return firstHit(sources, key)
  return bestHit(sources.handles, key, resolve)
}

/** Asks one after the other: the next matters only when this one has nothing. */
async function firstHit<K extends Key, V>(
  { asked, isDisjoint }: Pick<SourceList<K, V>, 'asked' | 'isDisjoint'>,
  key: K
): Promise<Found<K, V>> {
  let skipped = COMPLETE
  for (const handle of asked) {
    const trace = newTrace()
    try {
      const inner = handle.innerKey(key)
      if (inner === null) continue
      const entry = await handle.get(inner, trace)
      if (trace.skipped.length > 0) skipped = [...skipped, ...trace.skipped]
      if (entry === null) continue
      if (isDisjoint) skipped = trace.skipped
      const { paths, origin } = trace
      if (entry.value === TOMBSTONE) return { entry: null, source: null, skipped, paths, origin }
      return { entry, source: handle.name, skipped, paths, origin }
    } catch (error) {
      skipped = [...skipped, skip(handle, error)]
    }
  }
  return { entry: null, source: null, skipped, paths: NOWHERE, origin: null }
}

/** Asks all at once: the resolver must see them all. */
async function bestHit<K extends Key, V>(
  handles: readonly SourceHandle<K, V>[],
  key: K,
  resolve: Resolve<K, V>
): Promise<Found<K, V>> {
  const group = new Waits()
  const asked = handles.map((handle) => ({ handle, ...ask(handle, key, group) }))
  const traces = new Map<object, Trace>()
  const candidates: Candidate<K, V>[] = []
  const skipped: Skipped[] = []
  try {
    for (const { handle, trace, work } of asked) {
      const [result] = await work
      if (result.status === 'rejected') {
        skipped.push(skip(handle, result.reason))
        continue
      }
      skipped.push(...trace.skipped)
      if (result.value === null) continue
      candidates.push({ entry: result.value, source: handle })
      traces.set(handle, trace)
      // What the sources after it have, or that they fail, does not matter.
      if (result.value.value === TOMBSTONE) break
    }
  } finally {
    group.stop(new Error('the lookup has ended'))
  }
  const shown = visible(candidates, resolve)
  const winner = shown?.source == null ? undefined : traces.get(shown.source)
  return {
    entry: shown?.entry ?? null,
    source: shown?.source?.name ?? null,
    skipped,
    paths: winner?.paths ?? [...traces.values()].flatMap(({ paths }) => paths),
    origin: winner?.origin ?? null
  }
}

function ask<K extends Key, V>(
  handle: SourceHandle<K, V>,
  key: K,
  group: Waits
): { trace: Trace; work: Promise<[PromiseSettledResult<Entry<K, V> | null>]> } {
  const trace = newTrace()
  const look = async (): Promise<Entry<K, V> | null> => {
    const inner = handle.innerKey(key)
    return inner === null ? null : handle.get(inner, trace, group)
  }
  return { trace, work: Promise.allSettled([look()]) }
}

function newTrace(): Trace {
  return { skipped: [], paths: [], origin: null }
}

/** @throws UnionBeeError the failure, unless the source may be left out */
function skip<K extends Key, V>(handle: SourceHandle<K, V>, error: unknown): Skipped {
  const failure = handle.failure(error)
  if (!handle.mayBeSkipped) throw failure
  return { source: handle.name, cause: failure }
}
