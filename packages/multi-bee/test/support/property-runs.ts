/**
 * How a property runs: `numRuns` times, or as the environment says. `PROPERTY_RUNS` leaves it running longer; `PROPERTY_SEED` and
 * `PROPERTY_PATH`, as a failure prints them, run one example again. `PROPERTY_SHRINK=0` ends at the first failure.
 */
export function runs(numRuns: number): {
  numRuns: number
  seed?: number
  path?: string
  endOnFailure?: boolean
} {
  const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH, PROPERTY_SHRINK } = process.env
  return {
    numRuns: Number(PROPERTY_RUNS ?? numRuns),
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH, endOnFailure: true }),
    ...(PROPERTY_SHRINK === '0' ? { endOnFailure: true } : {})
  }
}
