import { addOnce } from '../partial.ts'
import type { Bounds } from '../keys/bounds.ts'
import { byPrecedence } from '../resolve.ts'
import { isTruncatedBetween } from '../sources/hyperbee-adapter.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import { SourceList } from '../sources/source-list.ts'
import type { BeeLike, DiffEntry, Entry, Key, Skipped } from '../types.ts'
import { scan, type UnionCore } from '../union-core.ts'
import type { Reading } from './generator-reader.ts'

/** A source, and some of its keys in byte order. */
interface KeysOf<K extends Key, V> {
  handle: SourceHandle<K, V>
  keys: BeeLike<K, V>['createReadStream']
}

/** Keys that may differ between two pins of a union, in byte order, each once. Never leaves out one that does. */
export async function* changedKeys<K extends Key, V>(
  left: UnionCore<K, V>,
  right: UnionCore<K, V>,
  bounds: Bounds<K>,
  { own, skipped }: Reading
): AsyncGenerator<K> {
  const changes = (await sourceDiffs(left.sources, right.sources)) ?? allKeys(left.sources, right.sources)
  if (changes.length === 0) return
  const sources = listOf(left.sources.defaults, changes)
  const reader = scan({ keys: left.keys, sources, resolve: byPrecedence }, bounds, false, Infinity)
  own({ destroy: () => void reader.release() })
  try {
    for (let batch = await reader.next(); batch !== null; batch = await reader.next())
      for (const { key } of batch) yield key
  } finally {
    await reader.release()
    for (const one of reader.skipped) addOnce(named(one, changes), skipped)
  }
}

/** What changed in every source; `null` when the sources, or their order, are not the same. */
async function sourceDiffs<K extends Key, V>(
  left: SourceList<K, V>,
  right: SourceList<K, V>
): Promise<KeysOf<K, V>[] | null> {
  if (left.handles.length !== right.handles.length) return null
  const changes: KeysOf<K, V>[] = []
  for (const [i, handle] of left.handles.entries()) {
    const other = right.handles[i]
    if (other === undefined || !other.isSameAs(handle)) return null
    // What never changes, or was pinned without, has no differences that are known.
    if (isConstant(handle) && isConstant(other)) continue
    if (isBroken(handle) || isBroken(other)) {
      changes.push(keysIn(isBroken(handle) ? handle : other))
      continue
    }
    const [now, then] = [handle.openedBee, other.openedBee]
    if (now?.createDiffStream === undefined || then === null || (await isTruncated(handle, other)))
      changes.push(keysIn(handle), keysIn(other))
    else {
      const diff = now.createDiffStream.bind(now)
      const keys: KeysOf<K, V>['keys'] = (range, options) =>
        keysOnly(diff(then as never, range, options) as AsyncIterable<DiffEntry<K, V>>, keyOfDiff)
      changes.push({ handle, keys })
    }
  }
  return changes
}

/** Whether the core of a source was truncated between two pins of it. One that cannot be opened says so when it is read. */
async function isTruncated<K extends Key, V>(
  handle: SourceHandle<K, V>,
  other: SourceHandle<K, V>
): Promise<boolean> {
  try {
    const [now, then] = await Promise.all([handle.openReady(), other.openReady()])
    return isTruncatedBetween(now, then)
  } catch {
    return true
  }
}

/** Every source of both sides with all of its keys. */
function allKeys<K extends Key, V>(left: SourceList<K, V>, right: SourceList<K, V>): KeysOf<K, V>[] {
  return [...left.handles, ...right.handles].map(keysIn)
}

function keysIn<K extends Key, V>(handle: SourceHandle<K, V>): KeysOf<K, V> {
  return { handle, keys: (range, options) => keysOnly(read(handle, range, options), ({ key }) => key) }
}

function listOf<K extends Key, V>(
  defaults: SourceList<K, V>['defaults'],
  sources: readonly KeysOf<K, V>[]
): SourceList<K, V> {
  const list = new SourceList<K, V>(defaults)
  const handles = sources.map(({ handle, keys }, i) => {
    const { prefix, range, timeoutMs } = handle.source
    const bee: BeeLike<K, V> = {
      get: () => Promise.resolve(null),
      createReadStream: (bounds, options) => keys(bounds, { ...options, ...handle.readOptions })
    }
    return list.handle({
      bee,
      name: `${i}`,
      policy: handle.policy,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(prefix !== undefined && { prefix }),
      ...(range !== undefined && { range })
    })
  })
  list.replace(handles)
  return list
}

/** What the list above calls `N` or `N/inner`, as the union does. */
function named<K extends Key, V>({ source, cause }: Skipped, changes: readonly KeysOf<K, V>[]): Skipped {
  const [at = '', ...inner] = source.split('/')
  const { name } = (changes[Number(at)] as KeysOf<K, V>).handle
  return { source: [name, ...inner].join('/'), cause }
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
  return {
    [Symbol.asyncIterator]: entries,
    destroy: () => (stream as { destroy?(): unknown }).destroy?.(),
    get skipped() {
      return (stream as { skipped?: readonly Skipped[] }).skipped ?? []
    }
  } as AsyncIterable<Entry<K, V>>
}

function keyOfDiff<K, V>({ left, right }: DiffEntry<K, V>): K {
  // One of them is there.
  return (left ?? right)?.key as K
}

function isConstant<K extends Key, V>({ pinned, immutable }: SourceHandle<K, V>): boolean {
  return pinned?.isConstant ?? immutable
}

function isBroken<K extends Key, V>({ pinned }: SourceHandle<K, V>): boolean {
  return pinned?.isBroken ?? false
}
