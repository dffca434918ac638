import type { Path, PathEvents } from './path.ts'

/** A path whose listener changes: first who greets on it, then the session. What comes in between waits. */
export class Line {
  readonly path: Path
  #events: PathEvents | null = null
  #waiting: Uint8Array[] = []
  #closed: { readonly error: Error | null } | null = null

  /** Starts the path. */
  constructor(path: Path) {
    this.path = path
    path.start({
      onmessage: (message) => {
        if (this.#events === null) this.#waiting.push(message)
        else this.#events.onmessage(message)
      },
      ondrain: () => this.#events?.ondrain(),
      onclose: (error) => {
        this.#closed = { error }
        this.#events?.onclose(error)
      },
      ondraining: () => this.#events?.ondraining?.()
    })
  }

  /** From now on nothing is told to anybody, until somebody listens again. */
  hold(): void {
    this.#events = null
  }

  /** Tells all that waits, and whatever happens from now on. */
  hand(events: PathEvents): void {
    this.#events = events
    const waiting = this.#waiting
    this.#waiting = []
    for (const [i, message] of waiting.entries()) {
      // Whom the first was for may have held it for another.
      if (this.#events === null) this.#waiting.push(...waiting.slice(i))
      if (this.#events === null) return
      this.#events.onmessage(message)
    }
    if (this.#closed !== null) this.#events?.onclose(this.#closed.error)
  }
}
