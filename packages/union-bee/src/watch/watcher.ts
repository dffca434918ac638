import ReadyResource from 'ready-resource'
import type { Bounds } from '../keys/bounds.ts'
import type { Key, Skipped } from '../types.ts'
import { Waits } from '../sources/patience.ts'
import { closedError } from '../union-core.ts'
import { ChangeFeed } from './change-feed.ts'
import type { Watchable } from './watchable.ts'

/** What watchers have in common: they follow the sources from when they open until they are closed, or the union is. */
export abstract class Watcher<K extends Key, V> extends ReadyResource {
  protected readonly view: Watchable<K, V>
  readonly #feed: ChangeFeed<K, V>
  readonly #waits = new Waits()

  /** @internal */
  constructor(view: Watchable<K, V>, bounds: Bounds<K>) {
    super()
    this.view = view
    this.#feed = new ChangeFeed(
      view.core,
      bounds,
      () => this.changed(),
      (error) => this.failed(error)
    )
    view.core.watchers.add(this)
  }

  /** Sources whose changes are not noticed: they could not be watched, and may be left out. Tried again when the sources of the union change. */
  get skipped(): readonly Skipped[] {
    return this.#feed.skipped
  }

  override close(): Promise<void> {
    if (this.closing === null) {
      this.#feed.stop()
      this.#waits.stop(closedError())
      this.stop()
    }
    return super.close()
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    try {
      await this.#feed.open()
      await this.#waits.wait(this.begin())
    } catch (error) {
      await this.letGo()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    await this.letGo()
  }

  /** Follows the sources no longer. */
  protected async letGo(): Promise<void> {
    this.view.core.watchers.delete(this)
    await this.#feed.close()
  }

  /** Takes a first look, once changes are noticed. */
  protected abstract begin(): Promise<void>
  /** Ends what waits. */
  protected abstract stop(): void
  /** A source has changed, or the sources have. */
  protected abstract changed(): void
  protected abstract failed(error: Error): void
}
