import { checkWhole } from '../arguments.ts'
import type { RelayServerOptions } from './options.ts'

const NAMES = [
  'unknownConnections',
  'unknownPerAddress',
  'greetingMs',
  'idleMs',
  'stalledMs',
  'drainMs',
  'reparkMs'
] as const

/**
 * What is no number would be no cap at all, or end everybody.
 *
 * @throws RelayError `RELAY_BAD_ARGUMENT`
 */
export function checkTimes(options: Pick<RelayServerOptions, (typeof NAMES)[number]>): void {
  for (const name of NAMES) {
    const value = options[name]
    if (value !== undefined) checkWhole(value, name)
  }
}
