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
