import type { BeeLike, Entry, KeyRange, SourceReadOptions, TimerLike } from '../../src/index.ts'
import { type Rows, select } from './model.ts'

/** What is wrong with a source: its lookups, and its scans after so many entries. */
export interface Fault {
  kind: 'throws' | 'hangs'
  after: number
}

/** A timer that goes off when something hangs, once all that can go on has. */
export class HangTimer implements TimerLike {
  readonly #armed = new Set<() => void>()

  set(callback: () => void): () => void {
    this.#armed.add(callback)
    return callback
  }

  clear(handle: unknown): void {
    this.#armed.delete(handle as () => void)
  }

  get armed(): number {
    return this.#armed.size
  }

  /** As if the time of all that wait had passed. */
  fire(): void {
    for (const callback of this.#armed) {
      this.#armed.delete(callback)
      callback()
    }
  }

  hang(): Promise<never> {
    setImmediate(() => this.fire())
    return new Promise(() => {})
  }
}

/** A source in memory that fails on demand, and counts. */
export class FakeSource implements BeeLike {
  readonly rows: Rows
  readonly fault: Fault | null
  readonly timer: HangTimer
  gets = 0
  scans = 0
  closed = false

  constructor(rows: Rows, fault: Fault | null = null, timer: HangTimer = new HangTimer()) {
    this.rows = rows
    this.fault = fault
    this.timer = timer
  }

  async get(key: string): Promise<Entry | null> {
    this.gets++
    if (this.fault !== null) await this.#fail()
    return this.rows.has(key) ? { seq: 1, key, value: this.rows.get(key) } : null
  }

  async *createReadStream(range: KeyRange = {}, options: SourceReadOptions = {}): AsyncGenerator<Entry> {
    this.scans++
    let count = 0
    const { reverse = false, limit = -1 } = options
    for (const [key, value] of select(this.rows, { ...range, reverse, limit })) {
      if (this.fault !== null && count === this.fault.after) await this.#fail()
      count++
      yield { seq: 1, key, value }
    }
    if (this.fault !== null) await this.#fail()
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  async #fail(): Promise<never> {
    if (this.fault?.kind === 'throws') throw new Error('disk')
    return this.timer.hang()
  }
}

/** The same with Hyperbee's walk below its stream. */
export class FakeWalk extends FakeSource {
  createRangeIterator(range: KeyRange, options: SourceReadOptions) {
    const entries = this.createReadStream(range, options)
    return {
      open: () => Promise.resolve(),
      next: async () => {
        const { done, value } = await entries.next()
        return done === true ? null : value
      },
      close: () => Promise.resolve()
    }
  }
}
