import { RelayError } from './errors.ts'

/** The one error of everything that listens, also for a port that none can be: Node throws a RangeError at once. @param where - address and port, for people */
export function cannotListen(where: string, cause: unknown): RelayError {
  return new RelayError('RELAY_CANNOT_LISTEN', `${where}: ${(cause as Error).message}`, { cause })
}
