import type { TimerLike } from '../types.ts'

const platformTimer: TimerLike = {
  set: (callback, ms) => setTimeout(callback, ms),
  clear: (handle) => clearTimeout(handle)
}

/** How long a source may be silent. */
export interface Patience {
  /** `null`: for ever. */
  readonly timeoutMs: number | null
  readonly timer: TimerLike
  /** What is thrown when it was silent for too long. */
  readonly error: () => Error
}

export function patience(
  timeoutMs: number | undefined,
  timer: TimerLike = platformTimer,
  error: () => Error
): Patience {
  return { timeoutMs: timeoutMs ?? null, timer, error }
}

/** Waits for ever, unless it is stopped. */
const ENDLESS: Patience = patience(undefined, undefined, () => new Error())

/**
 * A promise that settles with the work, or earlier: when the source was silent for too long, or when `onStop` was given a way to end the
 * wait and that was used.
 */
export function waitFor<T>(
  work: Promise<T>,
  { timeoutMs, timer, error }: Patience,
  onStop?: (stop: (reason: Error) => void) => void
): Promise<T> {
  if (timeoutMs === null && onStop === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const handle = timeoutMs === null ? null : timer.set(() => reject(error()), timeoutMs)
    const end = (): void => {
      if (handle !== null) timer.clear(handle)
    }
    onStop?.((reason) => {
      end()
      reject(reason)
    })
    void follow(work, { resolve, reject, end })
  })
}

/** Waits that can be ended together. */
export class Waits {
  readonly #stops = new Set<(reason: Error) => void>()
  #stopped: Error | null = null

  /** Why they were stopped; `null` when they were not. */
  get reason(): Error | null {
    return this.#stopped
  }

  /**
   * @param group - others that may end it too
   * @throws what the work throws, what the patience ends with, or the reason of {@link stop}
   */
  async wait<T>(work: Promise<T>, patience: Patience = ENDLESS, group: Waits | null = null): Promise<T> {
    const stopped = this.#stopped ?? group?.reason ?? null
    if (stopped !== null) {
      // Nobody waits for it any more.
      work.catch(() => {})
      throw stopped
    }
    let own: ((reason: Error) => void) | null = null
    try {
      return await waitFor(work, patience, (stop) => {
        own = stop
        this.#stops.add(stop)
        if (group !== null) group.#stops.add(stop)
      })
    } finally {
      if (own !== null) {
        this.#stops.delete(own)
        if (group !== null) group.#stops.delete(own)
      }
    }
  }

  /** Ends all waits, and those to come at once. */
  stop(reason: Error): void {
    this.#stopped ??= reason
    for (const stop of this.#stops) stop(reason)
  }
}

async function follow<T>(
  work: Promise<T>,
  { resolve, reject, end }: { resolve: (value: T) => void; reject: (cause: unknown) => void; end: () => void }
): Promise<void> {
  try {
    const value = await work
    end()
    resolve(value)
  } catch (cause) {
    end()
    reject(cause)
  }
}
