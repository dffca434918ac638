import type { View } from '../view/view.ts'

/** How long changes may wait before they are written to the view's store, in ms. */
const FLUSH_AFTER_MS = 500

/** What a flusher asks of the engine. */
export interface FlushSource {
  /** Version the view shows now. */
  version(): number
  /** The state that belongs to it. */
  encodeState(): Uint8Array
  /** Notes, outside the view, how far its versions may have gone. */
  beforeWrite(version: number): Promise<void>
  onFailure(error: unknown): void
  later: Later
}

/** Runs something after so many ms, unless the function it returns is called before. */
export type Later = (run: () => void, ms: number) => () => void

/** The runtime's own timers. */
export const later: Later = (run, ms) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Writes the view in batches: when enough has changed, or soon after the last change. Borrows the view. */
export class Flusher {
  readonly #view: View
  readonly #source: FlushSource
  #written: number
  #flushing: Promise<void> | null = null
  /** Ends the wait for the next write. */
  #cancel: (() => void) | null = null
  #stopped = false

  /** @param written - version the store holds; -1 for a new one */
  constructor(view: View, source: FlushSource, written: number) {
    this.#view = view
    this.#source = source
    this.#written = written
  }

  /** To be called after every change. Waits only when changes come faster than they can be written. */
  async changed(): Promise<void> {
    if (this.#view.isFull) {
      await this.#flushing?.catch(() => {})
      this.#inBackground()
    } else if (this.#cancel === null && !this.#stopped) {
      this.#cancel = this.#source.later(() => {
        this.#cancel = null
        this.#inBackground()
      }, FLUSH_AFTER_MS)
    }
  }

  /** @throws MultiBeeError `MULTI_BEE_STORE_FAILED` */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing.catch(() => {})
    if (!this.#view.isDirty && this.#written === this.#source.version()) return
    this.#flushing = this.#write()
    try {
      await this.#flushing
    } finally {
      this.#flushing = null
    }
  }

  /** Ends the background work; {@link flush} still works. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#flushing?.catch(() => {})
  }

  async #write(): Promise<void> {
    let version = this.#written
    await this.#source.beforeWrite(this.#source.version())
    await this.#view.flush(() => {
      version = this.#source.version()
      return this.#source.encodeState()
    })
    this.#written = version
  }

  #inBackground(): void {
    this.flush().catch((error: unknown) => this.#source.onFailure(error))
  }
}
