import { UnionBeeError } from '../errors.ts'
import type { BeeLike, Key, Source } from '../types.ts'
import { waitFor } from './patience.ts'
import type { SourceHandle } from './source-handle.ts'
import { SourceList } from './source-list.ts'

/** Snapshots of all sources, and how to close them. */
export interface Pins<K extends Key, V> {
  readonly sources: SourceList<K, V>
  close(): Promise<void>
}

/** Whether a pin needs to wait for nothing. */
export function canPinNow<K extends Key, V>(sources: SourceList<K, V>): boolean {
  return sources.handles.every(({ immutable, openedBee }) => immutable || openedBee?.opened === true)
}

/**
 * Waits until all sources are open. Those that are not, and may be left out, are in the result with the reason.
 *
 * @throws UnionBeeError as the sources' policies say
 */
export async function openAll<K extends Key, V>(
  sources: SourceList<K, V>
): Promise<Map<SourceHandle<K, V>, UnionBeeError>> {
  const failures = new Map<SourceHandle<K, V>, UnionBeeError>()
  await Promise.all(
    sources.handles.map(async (handle) => {
      if (handle.immutable) return
      try {
        const bee = await handle.open()
        if (bee.ready !== undefined) await waitFor(bee.ready(), handle.patience)
      } catch (error) {
        const failure = handle.failure(error)
        if (handle.policy === 'fail') throw failure
        failures.set(handle, failure)
      }
    })
  )
  return failures
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
  const closings: (() => Promise<void>)[] = []
  const pinned = new SourceList<K, V>(sources.defaults, sources.isDisjoint)
  const handles = sources.handles.map((handle) => {
    const { name, source } = handle
    if (handle.immutable) {
      handle.use()
      closings.push(async () => handle.release())
      // Opened through the one it pins, which closes it.
      const bee = handle.openedBee ?? lent(handle)
      return pinned.handle({ ...source, name, bee }, { origin: handle.origin, isConstant: true })
    }
    const failure = failures.get(handle)
    const snapshot = failure === undefined ? snapshotOf(handle) : null
    if (snapshot !== null) closings.push(async () => snapshot.close?.())
    const bee = snapshot ?? broken<K, V>(failure as Error)
    const pin: Source<K, V> = { ...source, name, bee, immutable: true }
    return pinned.handle(pin, { origin: handle.origin, isConstant: false })
  })
  pinned.replace(handles)
  return { sources: pinned, close: async () => void (await Promise.all(closings.map((close) => close()))) }
}

function snapshotOf<K extends Key, V>({ name, openedBee }: SourceHandle<K, V>): BeeLike<K, V> {
  if (openedBee?.snapshot === undefined)
    throw new UnionBeeError('UNION_BEE_UNSUPPORTED', `the source ${name} has no snapshots`, { source: name })
  return openedBee.snapshot()
}

/** Opens what another handle owns. */
function lent<K extends Key, V>(handle: SourceHandle<K, V>): BeeLike<K, V> {
  return {
    get: async (key, options) => (await handle.open()).get(key, options),
    async *createReadStream(range, options) {
      yield* (await handle.open()).createReadStream(range, options)
    }
  }
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
