import { S3ArchiverError } from './errors.ts'
import type { Clock } from './clock.ts'
import type { SignalLike } from './store/object-store.ts'

/** Ends calls early, where there is no `AbortController`; follows another signal, when there is one. */
export class Stop implements SignalLike {
  #listeners = new Set<() => void>()
  #aborted = false
  readonly #parent: SignalLike | undefined
  readonly #onparent = (): void => this.abort()

  constructor(parent?: SignalLike) {
    this.#parent = parent
    if (parent?.aborted === true) this.#aborted = true
    else parent?.addEventListener('abort', this.#onparent, { once: true })
  }

  get aborted(): boolean {
    return this.#aborted
  }

  abort(): void {
    this.release()
    if (this.#aborted) return
    this.#aborted = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  /** Follows the other signal no more. */
  release(): void {
    this.#parent?.removeEventListener('abort', this.#onparent)
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** Waits so long. @throws S3ArchiverError `S3_ARCHIVER_ABORTED` when it is stopped before */
  wait(clock: Clock, ms: number): Promise<void> {
    return this.race(new Promise<void>((resolve) => this.#onceAfter(clock, ms, resolve)))
  }

  /** What another promise gives, or the end. @throws S3ArchiverError `S3_ARCHIVER_ABORTED` when it is stopped before */
  async race<T>(promise: Promise<T>): Promise<T> {
    let onabort: () => void = () => {}
    const stopped = new Promise<never>((_, reject) => {
      onabort = () => reject(new S3ArchiverError('S3_ARCHIVER_ABORTED', 'the call was aborted'))
      if (this.#aborted) onabort()
      else this.#listeners.add(onabort)
    })
    try {
      return await Promise.race([promise, stopped])
    } finally {
      this.#listeners.delete(onabort)
    }
  }

  #onceAfter(clock: Clock, ms: number, callback: () => void): void {
    const end = clock.after(ms, () => {
      this.#listeners.delete(end)
      callback()
    })
    this.#listeners.add(end)
  }
}
