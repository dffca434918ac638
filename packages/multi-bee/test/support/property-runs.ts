/**
 * How a property runs: `numRuns` times, or as the environment says. `PROPERTY_RUNS` leaves it running longer; `PROPERTY_SEED` and
 * `PROPERTY_PATH`, as a failure prints them, run one example again.
 */
export function runs(numRuns: number): {
  numRuns: number
  seed?: number
  path?: string
  endOnFailure?: boolean
} {
  const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env
  return {
    numRuns: Number(PROPERTY_RUNS ?? numRuns),
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH, endOnFailure: true })
  }
}
