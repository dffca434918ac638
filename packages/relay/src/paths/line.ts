import { keptBytes } from '../kept-bytes.ts'
import type { Path, PathEvents } from './path.ts'

/** What may wait while nobody listens: more than comes in one turn, between the answer to a greeting and the session. */
const MOST_WAITING_BYTES = 1024 * 1024
/** What each message counts for, beyond its bytes. */
const MESSAGE_COST = 64

/** A path whose listener changes: first who greets on it, then the session. What comes in between waits; who sends more than fits there is cut off. */
export class Line {
  readonly path: Path
  #events: PathEvents | null = null
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #closed: { readonly error: Error | null } | null = null
  /** The relay has said that it goes down, and nobody has heard it. */
  #drains = false
  #destroyed = false

  /** Starts the path. */
  constructor(path: Path) {
    this.path = path
    path.start({
      onmessage: (message) => {
        if (this.#destroyed) return
        if (this.#events === null) this.#wait(message)
        else this.#events.onmessage(message)
      },
      ondrain: () => this.#events?.ondrain(),
      onclose: (error) => {
        this.#closed = { error }
        this.#events?.onclose(error)
      },
      ondraining: () => {
        this.#drains = true
        this.#tellDraining()
      }
    })
  }

  /** Destroys the path. Of what has come, or comes, nothing is told but that it has closed. */
  destroy(): void {
    this.#destroyed = true
    this.path.destroy()
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
    this.#waitingBytes = 0
    for (const message of waiting) {
      if (this.#destroyed) break
      // Whom the first was for may have held it for another.
      if (this.#events === null) this.#wait(message)
      else this.#events.onmessage(message)
    }
    this.#tellDraining()
    if (this.#closed !== null) this.#events?.onclose(this.#closed.error)
  }

  #tellDraining(): void {
    if (!this.#drains || this.#events?.ondraining === undefined) return
    this.#drains = false
    this.#events.ondraining()
  }

  #wait(message: Uint8Array): void {
    this.#waitingBytes += message.length + MESSAGE_COST
    if (this.#waitingBytes <= MOST_WAITING_BYTES) {
      this.#waiting.push(keptBytes(message))
      return
    }
    this.#waiting = []
    this.destroy()
  }
}
