type Clock = () => number

/** Never steps back, whatever a clock does that people set; forward steps count. */
export function steady(clock: Clock): Clock {
  let last = clock()
  let lost = 0
  return () => {
    const now = clock()
    lost += Math.max(0, last - now)
    last = now
    return now + lost
  }
}

const platform = globalThis as { readonly performance?: { now(): number } }
const settable = steady(Date.now)

/** Milliseconds since some moment, for durations: nobody sets this clock. On Bare, which has none, it is the other one, held when that is set back. */
export function monotonic(): number {
  return platform.performance?.now() ?? settable()
}
