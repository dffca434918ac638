/**
 * What direct UDP has failed with when hyperswarm 4.17 goes on with `relayThrough`, where the app has it: `shouldForceRelaying` of its index.js.
 */
const PUNCHING_FAILED: ReadonlySet<unknown> = new Set([
  'HOLEPUNCH_ABORTED',
  'HOLEPUNCH_DOUBLE_RANDOMIZED_NATS',
  'CANNOT_HOLEPUNCH',
  'REMOTE_NOT_HOLEPUNCHABLE'
])

/** The error that a swarm knows what to make of, where there is one among the causes; all of them are its `cause`. */
export function errorForSwarm(error: Error): Error {
  const found = find(error)
  return found === null
    ? error
    : Object.assign(new Error(found.message, { cause: error }), { code: found.code })
}

interface Coded extends Error {
  readonly code?: unknown
}

function find(error: unknown): Coded | null {
  if (!(error instanceof Error)) return null
  if (PUNCHING_FAILED.has((error as Coded).code)) return error
  if (!(error instanceof AggregateError)) return find(error.cause)
  for (const one of error.errors) {
    const found = find(one)
    if (found !== null) return found
  }
  return null
}
