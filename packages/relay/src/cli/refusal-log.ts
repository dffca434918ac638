import { nameOf } from '../keys.ts'
import type { RelayServerEvents } from '../server/relay-server.ts'

/** Lines a second: strangers must not fill a disk. */
const LINES = 20
const SECOND_MS = 1000

/** The refusals of a log: {@link LINES} a second, and then how many more there were. The metrics count all of them. */
export class RefusalLog {
  readonly #log: (event: string, facts: object) => void
  #lines = 0
  #more = 0
  #timer: unknown = null

  constructor(log: (event: string, facts: object) => void) {
    this.#log = log
  }

  note(...[{ code }, device, address]: RelayServerEvents['refused']): void {
    this.#timer ??= setTimeout(() => this.end(), SECOND_MS)
    if (this.#lines >= LINES) {
      this.#more++
      return
    }
    this.#lines++
    const name = device === null ? 'unknown' : nameOf(device)
    this.#log('refused', { code, device: name, address })
  }

  /** Says what was not said yet. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = null
    if (this.#more > 0) this.#log('refused', { more: this.#more })
    this.#lines = 0
    this.#more = 0
  }
}
