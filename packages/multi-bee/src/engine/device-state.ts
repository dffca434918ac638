import type { Membership } from '../membership/membership.ts'
import { walk } from '../membership/walk.ts'
import { ControlSource } from './control-source.ts'
import type { Transaction } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import type { WriterLog } from './writer-log.ts'

/** What one device has made of the logs so far. Changed only by the engine's loop, and only in one go. */
export interface DeviceState {
  readonly writers: WriterTable
  /** Local number of the first log's writer. */
  readonly first: number
  /** Local number of this device's own log; -1 while it has none. */
  self: number
  readonly logs: Map<number, WriterLog>
  membership: Membership
  applied: VersionVector
  /** Transactions with membership records that were applied, without their operations. */
  controls: Transaction[]
  /** Contexts that may change the walk when they are filled; empty while nobody was removed. */
  claims: VersionVector[]
  version: number
  /** Oldest version that can be read. */
  floor: number
  /** Names this build of the view. */
  generation: string
}

/** Books a transaction as applied; what it changes in the view is the caller's part. */
export function noteApplied(state: DeviceState, transaction: Transaction): void {
  const { writer, seq, length } = transaction
  state.applied = withLength(state.applied, writer, seq + length)
  if (transaction.membership.length > 0) state.controls.push({ ...transaction, operations: [] })
  state.version++
}

export function appliedLength(state: DeviceState, writer: number): number {
  return lengthAt(state.applied, writer)
}

export function deleteWins(state: DeviceState): boolean {
  return state.membership.genesis?.deleteWins ?? false
}

/** Whether membership records may be applied without walking all logs again: additions commute, removals do not. */
export function isPlainAddition({ controls, membership }: DeviceState, transaction: Transaction): boolean {
  return !orderMatters(membership, [...controls, transaction])
}

/**
 * Whether the order of the walk matters: somebody was removed (perhaps by a transaction that its own removal takes back), or one of
 * these tries to. Even one that removed nobody so far may, once an addition it names arrives.
 */
export function orderMatters({ hasRemovals }: Membership, controls: readonly Transaction[]): boolean {
  return hasRemovals || controls.some(({ membership }) => membership.some(({ type }) => type === 'remove'))
}

/** The membership once these transactions are applied, of which none removes anybody. */
export async function membershipAfter(state: DeviceState, transactions: readonly Transaction[]): Promise<Membership> {
  const added = transactions.filter(({ membership }) => membership.length > 0)
  if (added.length === 0) return state.membership
  let applied = state.applied
  for (const { writer, seq, length } of transactions) applied = withLength(applied, writer, seq + length)
  return walk(state.first, new ControlSource([...state.controls, ...added], applied), state.writers)
}
