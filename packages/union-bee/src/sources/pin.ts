import { UnionBeeError } from '../errors.ts'
import type { BeeLike, Key, Source } from '../types.ts'
import { isUnion } from './nested.ts'
import type { SourceHandle } from './source-handle.ts'
import { SourceList } from './source-list.ts'

/** Snapshots of all sources, and how to close them. */
export interface Pins<K extends Key, V> {
  readonly sources: SourceList<K, V>
  /** Waits for what could not be pinned at once: a union among the sources that goes on without one of its own. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Sources that could not be opened, and may be left out, with the reason. */
type Failures<K extends Key, V> = Map<SourceHandle<K, V>, UnionBeeError>

/** Whether a pin needs to wait for nothing. */
export function canPinNow<K extends Key, V>(sources: SourceList<K, V>): boolean {
  return sources.handles.every(isOpen)
}

/**
 * Waits until all sources are open, also those of unions among them, and those that are added meanwhile.
 *
 * @param then - is called in the same turn of the event loop: nothing has changed since
 * @throws UnionBeeError as the sources' policies say, and what `then` throws
 */
export async function openAll<K extends Key, V, T>(
  sources: SourceList<K, V>,
  then: (failures: Failures<K, V>) => T
): Promise<T> {
  const failures: Failures<K, V> = new Map()
  const tried = new Set<SourceHandle<K, V>>()
  for (;;) {
    const left = sources.handles.filter((handle) => !tried.has(handle) && !isOpen(handle))
    if (left.length === 0) return then(failures)
    await Promise.all(
      left.map(async (handle) => {
        tried.add(handle)
        try {
          const bee = await handle.openReady()
          if (isUnion(bee)) await handle.wait(bee.openSources())
        } catch (error) {
          const failure = handle.failure(error)
          if (!handle.mayBeSkipped) throw failure
          failures.set(handle, failure)
        }
      })
    )
  }
}

/**
 * Pins all sources in one turn of the event loop: nothing is written between two of them.
 *
 * @param failures - sources that could not be opened; reads of the pin go on without them, and say so
 * @throws UnionBeeError `UNION_BEE_UNSUPPORTED` when a source has no `snapshot` and is not `immutable`
 */
export function pinAll<K extends Key, V>(
  sources: SourceList<K, V>,
  failures: ReadonlyMap<SourceHandle<K, V>, UnionBeeError> = new Map()
): Pins<K, V> {
  const snapshots: BeeLike<K, V>[] = []
  const used: SourceHandle<K, V>[] = []
  const pinned = new SourceList<K, V>(sources.defaults, sources.isDisjoint)
  const pin = (handle: SourceHandle<K, V>): SourceHandle<K, V> => {
    const { name, source, immutable, openedBee } = handle
    // What is used as it is, and a union, which closes its snapshots with itself, must outlive the pin.
    if (immutable || (openedBee !== null && isUnion(openedBee))) {
      handle.use()
      used.push(handle)
    }
    if (immutable) {
      // Opened through the one it pins, which closes it.
      const bee = openedBee ?? (() => handle.open())
      const { isConstant = true, isBroken = false } = handle.pinned ?? {}
      return pinned.handle({ ...source, name, bee }, { of: handle, isConstant, isBroken })
    }
    const failure = failures.get(handle)
    const snapshot = failure === undefined ? snapshotOf(handle) : null
    if (snapshot !== null) snapshots.push(snapshot)
    const bee = snapshot ?? broken<K, V>(failure as Error)
    const given: Source<K, V> = { ...source, name, bee, immutable: true }
    return pinned.handle(given, { of: handle, isConstant: false, isBroken: snapshot === null })
  }
  const close = async (): Promise<void> => {
    await Promise.all(snapshots.map(async (snapshot) => snapshot.close?.()))
    for (const handle of used) handle.release()
  }
  try {
    pinned.replace(sources.handles.map(pin))
  } catch (error) {
    void close()
    throw error
  }
  const unions = snapshots.filter(isUnion)
  return {
    sources: pinned,
    close,
    ready: async () => void (await Promise.all(unions.map(async (bee) => bee.ready?.())))
  }
}

function isOpen<K extends Key, V>({ immutable, openedBee }: SourceHandle<K, V>): boolean {
  if (immutable) return true
  if (openedBee === null) return false
  return isUnion(openedBee) ? openedBee.canPinNow : openedBee.opened === true
}

function snapshotOf<K extends Key, V>({ name, openedBee }: SourceHandle<K, V>): BeeLike<K, V> {
  if (openedBee?.snapshot === undefined)
    throw new UnionBeeError('UNION_BEE_UNSUPPORTED', `the source ${name} has no snapshots`, { source: name })
  return openedBee.snapshot()
}

function broken<K, V>(failure: Error): BeeLike<K, V> {
  return {
    get: () => Promise.reject(failure),
    // oxlint-disable-next-line require-yield
    async *createReadStream() {
      throw failure
    }
  }
}
