import type { UnionBeeError } from '../errors.ts'
import type { Bounds } from '../keys/bounds.ts'
import type { Key, KeyRange } from '../types.ts'
import type { Pinned, Watchable } from './watchable.ts'
import { Watcher } from './watcher.ts'

/** One step: what is shown now, and what was shown at the step before. */
type Step<P> = IteratorResult<[P, P], undefined>

/**
 * Yields `[current, previous]` snapshots whenever what is shown of its range has changed since it last yielded. Both are closed at the next
 * step. That a source was left out of a look is no change. Ends with `close()`, `break`, the union, or when it fails.
 */
export class UnionWatcher<K extends Key, V, P extends Pinned<K, V> = Pinned<K, V>>
  extends Watcher<K, V>
  implements AsyncIterableIterator<[P, P]>
{
  readonly #range: KeyRange<K>
  /** All that it has not closed yet. */
  readonly #pins = new Set<P>()
  #shown: readonly P[] = []
  #current: P | null = null
  #changed = false
  #failure: Error | null = null
  #wake: (() => void) | null = null
  #turn: Promise<unknown> = Promise.resolve()

  /** @internal */
  constructor(view: Watchable<K, V>, bounds: Bounds<K>, range: KeyRange<K>) {
    super(view, bounds)
    this.#range = range
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

  protected override async begin(): Promise<void> {
    this.#current = await this.#pin()
  }

  protected override stop(): void {
    this.#wake?.()
    // Ends the reads of a step under way.
    for (const pin of this.#pins) void pin.close()
  }

  protected override async letGo(): Promise<void> {
    await super.letGo()
    await this.#keep([])
  }

  protected override changed(): void {
    this.#changed = true
    this.#wake?.()
  }

  protected override failed(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }

  async #next(): Promise<Step<P>> {
    try {
      await this.ready()
      const step = this.closing === null ? await this.#step() : null
      if (step !== null) return { done: false, value: step }
    } catch (error) {
      // What ends by close ends without a complaint.
      if ((error as Partial<UnionBeeError>).code === 'UNION_BEE_CLOSED')
        return { done: true, value: undefined }
      await this.letGo()
      void this.close()
      throw error
    }
    return { done: true, value: undefined }
  }

  /** @returns `null` when it was closed */
  async #step(): Promise<[P, P] | null> {
    for (;;) {
      while (!this.#changed && this.#failure === null && this.closing === null)
        await new Promise<void>((resolve) => (this.#wake = resolve))
      if (this.#failure !== null) throw this.#failure
      const previous = this.#current
      if (this.closing !== null || previous === null) return null
      this.#changed = false
      const current = await this.#pin()
      const found = await current.compare(previous as never, this.#range)
      if (found === 'differ') {
        this.#current = current
        this.#shown = [previous, current]
        await this.#keep(this.#shown)
        return [current, previous]
      }
      // A look that sources were left out of is not compared with again.
      if (found === 'same') this.#current = current
      await this.#keep([...this.#shown, this.#current as P])
    }
  }

  async #pin(): Promise<P> {
    const pin = this.view.snapshot() as P
    this.#pins.add(pin)
    if (this.closing !== null) void pin.close()
    await pin.ready()
    return pin
  }

  async #keep(kept: readonly P[]): Promise<void> {
    const others = [...this.#pins].filter((pin) => !kept.includes(pin))
    for (const pin of others) this.#pins.delete(pin)
    await Promise.all(others.map((pin) => pin.close()))
  }
}
