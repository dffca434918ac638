import type { Bounds } from '../keys/bounds.ts'
import { byPrecedence } from '../resolve.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import { SourceList } from '../sources/source-list.ts'
import type { BeeLike, DiffEntry, Entry, Key } from '../types.ts'
import { scan, type UnionCore } from '../union-core.ts'

/**
 * Keys that may differ between two pins of a union, in byte order, each once. Never leaves out one that does.
 *
 * @param own - is given what must end when the reading ends early
 */
export async function* changedKeys<K extends Key, V>(
  left: UnionCore<K, V>,
  right: UnionCore<K, V>,
  bounds: Bounds<K>,
  own: <T extends object>(stream: T) => T
): AsyncGenerator<K> {
  const changes = sourceDiffs(left.sources, right.sources) ?? allKeys(left.sources, right.sources)
  if (changes.length === 0) return
  const sources = listOf(left.sources.defaults, changes)
  const reader = scan({ ...left, sources, resolve: byPrecedence }, bounds, false, Infinity)
  own({ destroy: () => void reader.release() })
  try {
    for (let batch = await reader.next(); batch !== null; batch = await reader.next())
      for (const { key } of batch) yield key
  } finally {
    await reader.release()
  }
}

/** Every source with the keys that changed in it; `null` when the sources are not the same, or one has no diffs. */
function sourceDiffs<K extends Key, V>(
  left: SourceList<K, V>,
  right: SourceList<K, V>
): KeysOf<K, V>[] | null {
  if (left.handles.length !== right.handles.length) return null
  const changes: KeysOf<K, V>[] = []
  for (const [i, handle] of left.handles.entries()) {
    const other = right.handles[i]
    if (other === undefined || other.origin !== handle.origin || other.name !== handle.name) return null
    const [now, then] = [handle.openedBee, other.openedBee]
    // Neither was pinned: it never changes.
    if (handle.isConstant && other.isConstant) continue
    if (now?.createDiffStream === undefined || then === null) return null
    const diff = now.createDiffStream.bind(now)
    changes.push({
      handle,
      keys: (range, options) =>
        keysOnly(diff(then as never, range, options) as AsyncIterable<DiffEntry<K, V>>, keyOfDiff)
    })
  }
  return changes
}

/** Every source of both sides with all of its keys. */
function allKeys<K extends Key, V>(left: SourceList<K, V>, right: SourceList<K, V>): KeysOf<K, V>[] {
  return [...left.handles, ...right.handles].map((handle) => ({
    handle,
    keys: (range, options) => keysOnly(read(handle, range, options), ({ key }) => key)
  }))
}

/** A source, and some of its keys in byte order. */
interface KeysOf<K extends Key, V> {
  handle: SourceHandle<K, V>
  keys: NonNullable<BeeLike<K, V>['createReadStream']>
}

function listOf<K extends Key, V>(
  defaults: SourceList<K, V>['defaults'],
  sources: readonly KeysOf<K, V>[]
): SourceList<K, V> {
  const list = new SourceList<K, V>(defaults)
  const handles = sources.map(({ handle, keys }, i) => {
    const { prefix, range } = handle.source
    const bee: BeeLike<K, V> = {
      get: () => Promise.resolve(null),
      createReadStream: (bounds, options) => keys(bounds, { ...options, ...handle.readOptions })
    }
    return list.handle({
      bee,
      name: `${i}`,
      ...(prefix !== undefined && { prefix }),
      ...(range !== undefined && { range })
    })
  })
  list.replace(handles)
  return list
}

async function* read<K extends Key, V>(
  handle: SourceHandle<K, V>,
  ...[range, options]: Parameters<BeeLike<K, V>['createReadStream']>
): AsyncGenerator<Entry<K, V>> {
  yield* (await handle.open()).createReadStream(range, options)
}

/** The keys of a stream as entries without values, so that a tombstone is a key like others. */
function keysOnly<K, V, T>(stream: AsyncIterable<T>, keyOf: (item: T) => K): AsyncIterable<Entry<K, V>> {
  async function* entries(): AsyncGenerator<Entry<K, V>> {
    for await (const item of stream) yield { seq: 0, key: keyOf(item), value: undefined as V }
  }
  const destroy = (): unknown => (stream as { destroy?(): unknown }).destroy?.()
  return Object.assign(entries(), { destroy })
}

function keyOfDiff<K, V>({ left, right }: DiffEntry<K, V>): K {
  // One of them is there.
  return (left ?? right)?.key as K
}
