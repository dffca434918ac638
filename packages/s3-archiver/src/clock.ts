/** Time, to be injected: a test has its own. */
export interface Clock {
  /** In ms since 1970. */
  now(): number
  /** Calls back after so many ms, once, unless it is ended before. @returns what ends it */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  }
}
