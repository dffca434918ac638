import { UnionBeeError } from '../errors.ts'
import { type Bounds, rangeOf } from '../keys/bounds.ts'
import { addOnce } from '../partial.ts'
import { Waits } from '../sources/patience.ts'
import { onTruncate } from '../sources/hyperbee-adapter.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
import type { BeeLike, Key, Skipped, WatcherLike } from '../types.ts'
import { closedError, type UnionCore } from '../union-core.ts'

/** How a source is followed. */
interface Followed {
  readonly watcher: WatcherLike
  readonly unlisten: () => void
}

/** Calls back when a source has changed in a range, or the sources have. May call back when nothing that is shown has. */
export class ChangeFeed<K extends Key, V> {
  /** Sources that could not be watched, and may be left out. Tried again when the sources of the union change. */
  skipped: Skipped[] = []
  readonly #core: UnionCore<K, V>
  readonly #bounds: Bounds<K>
  readonly #onchange: () => void
  readonly #onerror: (error: Error) => void
  readonly #watchers = new Map<SourceHandle<K, V>, Followed>()
  readonly #waits = new Waits()
  #unlisten: (() => void) | null = null
  /** One change of the sources is followed at a time. */
  #following: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | null = null

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
      this.#follow().catch((error: Error) => this.#fail(error))
      this.#onchange()
    })
    await this.#follow()
  }

  /** Ends all waits. */
  stop(): void {
    this.#waits.stop(closedError())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.stop()
    this.#unlisten?.()
    await this.#following
    await Promise.all([...this.#watchers.keys()].map((handle) => this.#leave(handle)))
  }

  #follow(): Promise<void> {
    const followed = this.#following.then(() => this.#update())
    this.#following = followed.catch(() => {})
    return followed
  }

  /** Watches the sources there are now. */
  async #update(): Promise<void> {
    const { handles } = this.#core.sources
    this.skipped = []
    for (const handle of this.#watchers.keys()) if (!handles.includes(handle)) await this.#leave(handle)
    for (const handle of handles) {
      if (handle.immutable || this.#watchers.has(handle)) continue
      const inner = handle.innerBounds(this.#bounds)
      if (inner === null) continue
      try {
        await this.#waits.wait(this.#join(handle, inner))
      } catch (error) {
        this.#skip(handle, error)
      }
    }
  }

  async #join(handle: SourceHandle<K, V>, inner: Bounds<K>): Promise<void> {
    handle.use()
    let watcher: WatcherLike | null = null
    let unlisten = (): void => {}
    try {
      const bee = await handle.openReady()
      watcher = watcherOf(handle, bee, inner)
      unlisten = onTruncate(bee, this.#onchange)
      if (watcher.ready !== undefined) await handle.wait(watcher.ready())
      if (this.#waits.reason !== null) throw this.#waits.reason
    } catch (error) {
      unlisten()
      await watcher?.close()
      handle.release()
      throw error
    }
    this.#watchers.set(handle, { watcher, unlisten })
    void this.#run(handle, watcher)
  }

  async #leave(handle: SourceHandle<K, V>): Promise<void> {
    const followed = this.#watchers.get(handle)
    this.#watchers.delete(handle)
    if (followed === undefined) return
    followed.unlisten()
    await followed.watcher.close()
    handle.release()
  }

  async #run(handle: SourceHandle<K, V>, watcher: WatcherLike): Promise<void> {
    try {
      for await (const _ of watcher) this.#onchange()
      const message = `the source ${handle.name} can be watched no longer`
      throw new UnionBeeError('UNION_BEE_SOURCE_FAILED', message, { source: handle.name })
    } catch (error) {
      // One that has been taken away may end before it is left.
      if (this.#watchers.get(handle)?.watcher !== watcher || !this.#core.sources.handles.includes(handle))
        return
      await this.#leave(handle)
      try {
        this.#skip(handle, error)
      } catch (failure) {
        this.#fail(failure as Error)
      }
    }
  }

  /** @throws UnionBeeError what has failed, unless the source may be left out */
  #skip(handle: SourceHandle<K, V>, error: unknown): void {
    if (this.#waits.reason !== null) throw this.#waits.reason
    const failure = handle.failure(error)
    if (!handle.mayBeSkipped || failure.code === 'UNION_BEE_UNSUPPORTED') throw failure
    addOnce({ source: handle.name, cause: failure }, this.skipped)
  }

  #fail(error: Error): void {
    if (this.#closing === null) this.#onerror(error)
  }
}

function watcherOf<K extends Key, V>(
  { name, readOptions }: SourceHandle<K, V>,
  bee: BeeLike<K, V>,
  inner: Bounds<K>
): WatcherLike {
  let cause: unknown
  try {
    if (bee.watch !== undefined) return bee.watch(rangeOf(inner), readOptions && { ...readOptions })
  } catch (error) {
    // Hyperbee watches only the bee itself, no sub and no snapshot.
    cause = error
  }
  const message = `the source ${name} cannot be watched`
  throw new UnionBeeError('UNION_BEE_UNSUPPORTED', message, { cause, source: name })
}
