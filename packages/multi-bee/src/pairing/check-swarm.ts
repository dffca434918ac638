import { MultiBeeError } from '../errors.ts'

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` for what cannot be a Hyperswarm */
export function checkSwarm(swarm: unknown): void {
  const { join, on, connections } = (swarm ?? {}) as Record<string, unknown>
  if (typeof join === 'function' && typeof on === 'function' && typeof connections === 'object') return
  throw new MultiBeeError(
    'MULTI_BEE_BAD_ARGUMENT',
    '`swarm` is the Hyperswarm on which the other device is met'
  )
}
