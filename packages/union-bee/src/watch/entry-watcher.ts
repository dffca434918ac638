import ReadyResource from 'ready-resource'
import type { Bounds } from '../keys/bounds.ts'
import type { Entry, Key } from '../types.ts'
import { ChangeFeed } from './change-feed.ts'
import type { Watchable } from './watchable.ts'

/** Follows one entry. Emits `update` after {@link node} has changed, and `error` when it can no longer be read. Ends with `close()` or the union. */
export class EntryWatcher<K extends Key, V> extends ReadyResource {
  /** The entry as it is; `null` when absent. */
  node: Entry<K, V> | null = null
  readonly #view: Watchable<K, V>
  readonly #key: K
  readonly #feed: ChangeFeed<K, V>
  #basis = ''
  #reading: Promise<void> | null = null
  #again = false

  /** @internal */
  constructor(view: Watchable<K, V>, key: K, bounds: Bounds<K>) {
    super()
    this.#view = view
    this.#key = key
    this.#feed = new ChangeFeed(
      view.core,
      bounds,
      () => this.#refresh(),
      (error) => this.#fail(error)
    )
    view.core.watchers.add(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    try {
      await this.#feed.open()
      const { entry, basis } = await this.#view.found(this.#key)
      this.node = entry
      this.#basis = basis
    } catch (error) {
      this.#view.core.watchers.delete(this)
      await this.#feed.close()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    this.#view.core.watchers.delete(this)
    await this.#feed.close()
    await this.#reading
  }

  #refresh(): void {
    this.#again = true
    this.#reading ??= this.#read().finally(() => (this.#reading = null))
  }

  async #read(): Promise<void> {
    await this.ready()
    while (this.#again && this.closing === null) {
      this.#again = false
      try {
        const { entry, basis } = await this.#view.found(this.#key)
        if (basis === this.#basis) continue
        this.node = entry
        this.#basis = basis
        this.emit('update')
      } catch (error) {
        this.#fail(error as Error)
      }
    }
  }

  #fail(error: Error): void {
    if (this.closing === null) this.emit('error', error)
  }
}
