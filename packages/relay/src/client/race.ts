import { RelayError } from '../errors.ts'

/** One way that may be tried. `abort` makes its promise reject soon. */
export interface Attempt<T> {
  readonly result: Promise<T>
  readonly abort: () => void
}

/**
 * Tries ways one after the other, each a little later than the one before, or at once when that has failed; the first that succeeds wins, and
 * the others are given up.
 *
 * @param ways - in order of preference; each begins when called
 * @returns the winner, and which one it was
 * @throws RELAY_UNREACHABLE with an AggregateError as cause; the error itself where there was one way only
 */
export function race<T>(
  ways: readonly (() => Attempt<T>)[],
  { staggerMs, attemptMs }: { staggerMs: number; attemptMs: number }
): Attempt<{ readonly won: T; readonly way: number }> {
  const running = new Set<Attempt<T>>()
  const errors: unknown[] = []
  let timer: unknown = null
  let next = 0
  let over = false
  let settle: { resolve(won: { won: T; way: number }): void; reject(error: unknown): void } | null = null

  const finish = (): void => {
    over = true
    clearTimeout(timer)
    for (const attempt of running) attempt.abort()
  }
  const failed = (error: unknown): void => {
    errors.push(error)
    if (over) return
    if (next < ways.length) return start()
    if (errors.length < ways.length) return
    finish()
    settle?.reject(errors.length === 1 ? error : unreachable(errors))
  }
  const start = (): void => {
    clearTimeout(timer)
    const way = next++
    const begin = ways[way]
    if (begin === undefined) return
    if (next < ways.length) timer = setTimeout(start, staggerMs)
    let attempt: Attempt<T>
    try {
      attempt = begin()
    } catch (error) {
      return failed(error)
    }
    running.add(attempt)
    const limit = setTimeout(() => {
      running.delete(attempt)
      attempt.abort()
      failed(new RelayError('RELAY_TIMEOUT', 'nothing came in time'))
    }, attemptMs)
    attempt.result.then(
      (won) => {
        clearTimeout(limit)
        if (!running.delete(attempt) || over) return attempt.abort()
        finish()
        return settle?.resolve({ won, way })
      },
      (error) => {
        clearTimeout(limit)
        if (running.delete(attempt)) failed(error)
      }
    )
  }
  const result = new Promise<{ won: T; way: number }>((resolve, reject) => {
    settle = { resolve, reject }
    if (ways.length === 0) reject(unreachable([]))
    else start()
  })
  return {
    result,
    abort: () => {
      if (over) return
      finish()
      settle?.reject(new RelayError('RELAY_CLOSED', 'it was given up'))
    }
  }
}

function unreachable(errors: readonly unknown[]): RelayError {
  const cause = new AggregateError(errors, 'every way failed')
  return new RelayError('RELAY_UNREACHABLE', 'no way to the device was found', { cause })
}
