import ReadyResource from 'ready-resource'
import type { Bounds } from '../keys/bounds.ts'
import type { Key, KeyRange } from '../types.ts'
import { ChangeFeed } from './change-feed.ts'
import type { Pinned, Watchable } from './watchable.ts'

/** One step: what is shown now, and what was shown at the step before. */
type Step<P> = IteratorResult<[P, P], undefined>

/**
 * Yields `[current, previous]` snapshots whenever what is shown of its range has changed since it last yielded. Both are closed at the next
 * step. Ends with `close()`, `break`, or the union.
 */
export class UnionWatcher<K extends Key, V, P extends Pinned<K, V> = Pinned<K, V>>
  extends ReadyResource
  implements AsyncIterableIterator<[P, P]>
{
  readonly #view: Watchable<K, V>
  readonly #range: KeyRange<K>
  readonly #feed: ChangeFeed<K, V>
  #shown: P[] = []
  #current: P | null = null
  #changed = false
  #failure: Error | null = null
  #wake: (() => void) | null = null
  #turn: Promise<unknown> = Promise.resolve()

  /** @internal */
  constructor(view: Watchable<K, V>, bounds: Bounds<K>, range: KeyRange<K>) {
    super()
    this.#view = view
    this.#range = range
    this.#feed = new ChangeFeed(
      view.core,
      bounds,
      () => this.#notice(null),
      (error) => this.#notice(error)
    )
    view.core.watchers.add(this)
    this.ready().catch(() => {})
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Step<P>> {
    const next = this.#turn.then(() => this.#next())
    this.#turn = next.catch(() => {})
    return next
  }

  async return(): Promise<Step<P>> {
    await this.close()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    try {
      await this.#feed.open()
      this.#current = await this.#pin()
    } catch (error) {
      this.#view.core.watchers.delete(this)
      await this.#feed.close()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    this.#view.core.watchers.delete(this)
    this.#wake?.()
    await this.#feed.close()
    await this.#turn
    await Promise.all([...this.#shown, ...(this.#current ? [this.#current] : [])].map((pin) => pin.close()))
  }

  #notice(failure: Error | null): void {
    this.#failure ??= failure
    this.#changed = true
    this.#wake?.()
  }

  async #next(): Promise<Step<P>> {
    await this.ready()
    for (;;) {
      while (!this.#changed && this.closing === null)
        await new Promise<void>((resolve) => (this.#wake = resolve))
      if (this.closing !== null || this.#current === null) return { done: true, value: undefined }
      if (this.#failure !== null) throw this.#failure
      this.#changed = false
      const previous = this.#current
      const current = await this.#pin()
      if (!(await this.#differ(current, previous))) {
        this.#current = current
        if (!this.#shown.includes(previous)) await previous.close()
        continue
      }
      this.#current = current
      await Promise.all(this.#shown.filter((pin) => pin !== previous).map((pin) => pin.close()))
      this.#shown = [previous, current]
      return { done: false, value: [current, previous] }
    }
  }

  async #differ(current: P, previous: P): Promise<boolean> {
    for await (const _ of current.createDiffStream(previous as never, this.#range)) return true
    return false
  }

  async #pin(): Promise<P> {
    const pin = this.#view.snapshot() as P
    await pin.ready()
    return pin
  }
}
