import b4a from 'b4a'
import { deviceStatuses, writerInfos } from '../../src/bee/status.ts'
import { oracle } from '../oracle/oracle.ts'
import type { OracleState } from '../oracle/types.ts'
import { shownBy, type Shown } from '../support/shown.ts'
import { worldOf } from '../support/world-blocks.ts'
import type { SimDevice } from './sim-device.ts'

const hex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')

/** What a device shows. */
export function shownOf(device: SimDevice, keys: readonly string[]): Promise<Shown> {
  return shownBy(device, writerInfos(device.engine.state), keys)
}

/** The oracle over the logs that a device holds. */
export function oracleOver(device: SimDevice, first: string): OracleState {
  const held = new Map([...device.logs].map(([key, log]) => [key, log.blocks.slice(0, log.available)]))
  return oracle(worldOf(first, held))
}

/** How many blocks are applied, wait and count nowhere, by `status()`; of members only. */
export async function statusOf(device: SimDevice): Promise<Record<string, unknown>> {
  const statuses = await deviceStatuses(await device.database())
  return Object.fromEntries(
    statuses.map(({ key, applied, waiting, quarantined }) => [hex(key), { applied, waiting, quarantined }])
  )
}

export function statusByOracle({
  members,
  applied,
  waiting,
  quarantined
}: OracleState): Record<string, unknown> {
  return Object.fromEntries(
    members.map(({ writer }) => [
      writer,
      { applied: applied[writer] ?? 0, waiting: waiting[writer] ?? 0, quarantined: quarantined[writer] ?? 0 }
    ])
  )
}
