import { RelayError } from '../errors.ts'
import { LEAST_BYTES_PER_SECOND } from './grant.ts'
import type { MeterLimits } from './meter.ts'

/** How much one relay gives. */
export interface PolicyLimits extends MeterLimits {
  /** Connections of one key at once, registrations included. @defaultValue 64 */
  connections: number
  /** Pairings of one key that wait for their other half. @defaultValue 64 */
  pairings: number
  /** Connections of all keys at once. @defaultValue 10,000 */
  totalConnections: number
  /** Bytes a second of a device on the allow-list, 65,536 or more; a grant has its own. @defaultValue 0, no limit */
  bytesPerSecond: number
  /** Bytes in all of a device on the allow-list, since the relay started. @defaultValue 0, no limit */
  quotaBytes: number
}

export const LIMITS: PolicyLimits = {
  connections: 64,
  pairings: 64,
  totalConnections: 10_000,
  bytesPerSecond: 0,
  quotaBytes: 0
}

/** Those given, and the defaults for the rest. @throws {@link RelayError} `RELAY_BAD_ARGUMENT` */
export function limitsOf(given: Partial<PolicyLimits>): PolicyLimits {
  const limits = { ...LIMITS, ...given }
  if (!Object.values(limits).every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'limits are whole numbers, not negative')
  const { bytesPerSecond } = limits
  if (bytesPerSecond > 0 && bytesPerSecond < LEAST_BYTES_PER_SECOND)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'bytesPerSecond is 0 for no limit, or 65,536 or more')
  return limits
}
