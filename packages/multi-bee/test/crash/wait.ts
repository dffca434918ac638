const nothing = new Int32Array(new SharedArrayBuffer(4))

/** Calls back after so many microseconds, of which the last is counted too. Timers alone know milliseconds. */
export function afterMicroseconds(microseconds: number, run: () => void): void {
  const [milliseconds, rest] = [Math.floor(microseconds / 1000), microseconds % 1000]
  const last = (): void => {
    Atomics.wait(nothing, 0, 0, rest / 1000)
    run()
  }
  if (milliseconds === 0) last()
  else setTimeout(last, milliseconds)
}
