import { KeyRotationError } from '../errors.ts'

/** What one side may send before it was taken in, and of another history than the one here: twice the largest sensible chain. */
export const MAX_BYTES: number = 32 * 1024 * 1024

/** How many messages may wait. */
const MAX_MESSAGES = 4096

/** Takes messages of one side in, one after the other. */
export class Turn {
  #last: Promise<void> = Promise.resolve()
  #waitingBytes = 0
  #waiting = 0

  /** @param onerror - of what `run` throws, and KEY_ROTATION_TOO_LARGE when too much waits */
  take(bytes: number, run: () => Promise<void>, onerror: (error: unknown) => void): void {
    this.#waitingBytes += bytes
    this.#waiting++
    if (this.#waitingBytes > MAX_BYTES || this.#waiting > MAX_MESSAGES) return onerror(tooMuch())
    this.#last = this.#last
      .then(run)
      .catch(onerror)
      .finally(() => {
        this.#waitingBytes -= bytes
        this.#waiting--
      })
  }
}

export function tooMuch(): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_TOO_LARGE', 'more came than can be taken in')
}
