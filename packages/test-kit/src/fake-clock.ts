/** A clock that stands still until it is told otherwise. Its functions may be passed on their own. */
export interface FakeClock {
  /** Milliseconds since 1970. */
  now(): number
  /** Moves on by `ms`; backwards when negative. */
  advance(ms: number): void
  /** Jumps to a time, as a device does whose clock is corrected. */
  set(ms: number): void
}

/** Makes a clock to inject where `Date.now` is the default. It fires no timers. */
export function fakeClock(startMs = 0): FakeClock {
  let now = startMs
  return {
    now: () => now,
    advance: (ms) => {
      now += ms
    },
    set: (ms) => {
      now = ms
    }
  }
}
