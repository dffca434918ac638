import type { DeviceConnection } from './device-connection.ts'
import type { Splice } from './splice.ts'

/** Ends connections that have been silent for too long. Of two that are spliced one may talk while the other one listens. */
export function endSilent(connections: Iterable<DeviceConnection>, now: number): void {
  for (const connection of connections) {
    if (connection.deadline > now) continue
    const { splice } = connection
    const other = splice?.opener === connection ? splice.target : splice?.opener
    if (connection.role === 'spliced' && (other?.deadline ?? 0) > now) continue
    connection.expire()
  }
}

/** Ends sessions of which one side takes nothing. */
export function endStalled(splices: Iterable<Splice>, now: number, stalledMs: number): void {
  for (const { opener, target, stalledSince } of splices)
    if (stalledSince + stalledMs <= now) for (const side of [opener, target]) side.expire()
}
