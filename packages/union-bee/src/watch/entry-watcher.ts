import type { Bounds } from '../keys/bounds.ts'
import { isLeftOut, isSameEntry } from '../merge/same-entry.ts'
import type { Found } from '../sources/nested.ts'
import type { Entry, Key } from '../types.ts'
import type { Watchable } from './watchable.ts'
import { Watcher } from './watcher.ts'

/**
 * Follows one entry. Emits `update` after {@link node} has changed, and `error` when it can no longer be read. That its source was left out
 * of a look is no change. Ends with `close()` or the union.
 */
export class EntryWatcher<K extends Key, V> extends Watcher<K, V> {
  readonly #key: K
  #found: Found<K, V> | null = null
  #reading = false
  #again = false

  /** @internal */
  constructor(view: Watchable<K, V>, key: K, bounds: Bounds<K>) {
    super(view, bounds)
    this.#key = key
  }

  /** The entry as it is; `null` when absent. */
  get node(): Entry<K, V> | null {
    return this.#found?.entry ?? null
  }

  protected override async begin(): Promise<void> {
    this.#found = await this.view.found(this.#key)
  }

  protected override stop(): void {
    this.#again = false
  }

  protected override changed(): void {
    this.#again = true
    if (!this.#reading) void this.#read()
  }

  protected override failed(error: Error): void {
    if (this.closing === null) this.emit('error', error)
  }

  /** As often as there was a change meanwhile. */
  async #read(): Promise<void> {
    this.#reading = true
    try {
      await this.ready()
      while (this.#again && this.closing === null) {
        this.#again = false
        await this.#look()
      }
    } catch (error) {
      // What opening has thrown, whoever opens it is told.
      if (this.opened) this.failed(error as Error)
    } finally {
      this.#reading = false
    }
  }

  async #look(): Promise<void> {
    const [before, now] = [this.#found, await this.view.found(this.#key)]
    if (this.closing !== null || before === null) return
    if (isLeftOut(before, now) || isSameEntry(now, before)) return
    this.#found = now
    this.emit('update')
  }
}
