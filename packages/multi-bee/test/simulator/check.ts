import b4a from 'b4a'
import { deviceStatuses } from '../../src/bee/status.ts'
import { collect } from '@cloudpal/test-kit'
import { oracle } from '../oracle/oracle.ts'
import type { OracleState, Value } from '../oracle/types.ts'
import { worldOf } from '../support/world-blocks.ts'
import type { SimDevice } from './sim-device.ts'

const hex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')
const text = (key: string): string => b4a.toString(b4a.from(key, 'hex'))

/** Everything a device answers with, in a form that compares. */
export interface Shown {
  entries: [key: string, value: unknown][]
  conflicts: unknown[]
  history: unknown[]
  members: unknown[]
}

/** What a device shows. */
export async function shownBy(device: SimDevice, keys: readonly string[]): Promise<Shown> {
  const { state } = device.engine
  const entries = await collect(device.createReadStream())
  const conflicts = await Promise.all(
    keys.map(async (key) =>
      (await device.conflicts(key)).map(({ path, value, deleted, writer, time }) => ({
        key,
        path,
        value: deleted ? null : value,
        deleted,
        writer: hex(writer),
        time
      }))
    )
  )
  const history = await collect(device.createHistoryStream())
  return {
    entries: entries.map(({ key, value }) => [key, value]),
    conflicts: conflicts.flat(),
    history: history.map(({ type, key, path, writer, seq, time }) => ({
      type,
      key,
      path,
      writer: hex(writer),
      seq,
      time
    })),
    members: state.membership.members.map(({ writer, name, cutOff, removed, previous }) => ({
      writer: hex(state.writers.keyOf(writer)),
      name,
      cutOff: cutOff?.length ?? null,
      removed,
      previous: previous === null ? null : hex(state.writers.keyOf(previous))
    }))
  }
}

/** The oracle over the logs that a device holds. */
export function oracleOver(device: SimDevice, first: string): OracleState {
  const held = new Map([...device.logs].map(([key, log]) => [key, log.blocks.slice(0, log.available)]))
  return oracle(worldOf(first, held))
}

/** What the device must show by the oracle. */
export function shownByOracle(state: OracleState, keys: readonly string[]): Shown {
  return {
    entries: [...state.entries].map(([key, value]) => [text(key), plain(value)]),
    conflicts: keys.flatMap((key) =>
      state.conflicts(hex(b4a.from(key))).map(({ path, value, deleted, writer, ms }) => ({
        key,
        path,
        value: value === null ? null : plain(value),
        deleted,
        writer,
        time: ms
      }))
    ),
    history: state.history.map(({ type, key, path, writer, seq, ms }) => ({
      type: type === 'assign' ? 'put' : 'del',
      key: text(key),
      path,
      writer,
      seq,
      time: ms
    })),
    members: state.members
  }
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

function plain(value: Value): unknown {
  return value.kind === 'document' ? JSON.parse(value.text) : { hex: value.hex }
}
