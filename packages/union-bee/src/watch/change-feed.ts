import { UnionBeeError } from '../errors.ts'
import { type Bounds, rangeOf } from '../keys/bounds.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type { Key, WatcherLike } from '../types.ts'
import type { UnionCore } from '../union-core.ts'

/** Calls back when a source has changed in a range, or the sources have. May call back when nothing that is shown has. */
export class ChangeFeed<K extends Key, V> {
  readonly #core: UnionCore<K, V>
  readonly #bounds: Bounds<K>
  readonly #onchange: () => void
  readonly #onerror: (error: Error) => void
  readonly #watchers = new Map<SourceHandle<K, V>, WatcherLike>()
  #unlisten: (() => void) | null = null
  #following: Promise<void> = Promise.resolve()
  #closed = false

  constructor(
    core: UnionCore<K, V>,
    bounds: Bounds<K>,
    onchange: () => void,
    onerror: (error: Error) => void
  ) {
    this.#core = core
    this.#bounds = bounds
    this.#onchange = onchange
    this.#onerror = onerror
  }

  /** @throws UnionBeeError `UNION_BEE_UNSUPPORTED`, and what opening a source throws */
  async open(): Promise<void> {
    this.#unlisten = this.#core.sources.listen(() => {
      this.#following = this.#following.then(() => this.#follow()).catch(this.#onerror)
      this.#onchange()
    })
    await this.#follow()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unlisten?.()
    await this.#following
    await Promise.all([...this.#watchers.values()].map((watcher) => watcher.close()))
  }

  /** Watches the sources there are now. */
  async #follow(): Promise<void> {
    const { handles } = this.#core.sources
    for (const [handle, watcher] of this.#watchers) {
      if (handles.includes(handle)) continue
      this.#watchers.delete(handle)
      await watcher.close()
    }
    for (const handle of handles) {
      if (this.#closed) return
      if (handle.immutable || this.#watchers.has(handle)) continue
      const inner = handle.innerBounds(this.#bounds)
      if (inner === null) continue
      const watcher = await watch(handle, inner)
      this.#watchers.set(handle, watcher)
      await watcher.ready?.()
      void this.#run(watcher)
    }
  }

  async #run(watcher: WatcherLike): Promise<void> {
    try {
      for await (const _ of watcher) this.#onchange()
    } catch (error) {
      if (!this.#closed) this.#onerror(error as Error)
    }
  }
}

async function watch<K extends Key, V>(handle: SourceHandle<K, V>, inner: Bounds<K>): Promise<WatcherLike> {
  const { name } = handle
  let bee
  try {
    bee = await handle.open()
    await bee.ready?.()
  } catch (error) {
    throw handle.failure(error)
  }
  try {
    if (bee.watch !== undefined) return bee.watch(rangeOf(inner), handle.readOptions)
  } catch (cause) {
    // Hyperbee watches only the bee itself, no sub and no snapshot.
    const message = `the source ${name} cannot be watched`
    throw new UnionBeeError('UNION_BEE_UNSUPPORTED', message, { cause, source: name })
  }
  throw new UnionBeeError('UNION_BEE_UNSUPPORTED', `the source ${name} cannot be watched`, { source: name })
}
