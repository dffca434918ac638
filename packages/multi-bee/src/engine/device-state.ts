import type { Controls } from '../membership/controls.ts'
import type { Membership } from '../membership/membership.ts'
import { walk } from '../membership/walk.ts'
import type { Transaction } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import type { Repetitions } from './repetitions.ts'
import type { WriterLog } from './writer-log.ts'

/** What one device has made of the logs so far. Changed only by the engine's loop, and only in one go. */
export interface DeviceState {
  readonly writers: WriterTable
  /** Local number of the first log's writer. */
  readonly first: number
  /** Local number of this device's own log. */
  self: number
  /** Whether the end of that log is gone: others may hold it, so it must not be written anew. */
  hasLostTail: boolean
  /** A forked log that this device is about to go on from, and the blocks of it that count; the log itself may have forgotten them. */
  leaving: { writer: number; agreed: number } | null
  readonly logs: Map<number, WriterLog>
  membership: Membership
  applied: VersionVector
  /** Transactions with membership records that were read, applied or not. */
  readonly controls: Controls
  readonly repetitions: Repetitions
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
  noteRead(state, transaction)
  state.version++
}

/** Books a transaction as read: what it says of membership counts from now on, also if it is not applied yet, or never. */
export function noteRead(state: DeviceState, transaction: Transaction): void {
  const { writer, seq, length } = transaction
  const log = state.logs.get(writer)
  if (log !== undefined) log.held = Math.max(log.held, seq + length)
  state.controls.add(transaction)
}

export function appliedLength(state: DeviceState, writer: number): number {
  return lengthAt(state.applied, writer)
}

export function deleteWins(state: DeviceState): boolean {
  return state.membership.genesis?.deleteWins ?? false
}

/** Membership by all that was read. */
export function currentMembership({ first, controls, logs, writers }: DeviceState): Membership {
  return walk(first, controls, (writer) => logs.get(writer)?.held ?? 0, writers)
}

/**
 * Whether what was read since this was last asked may change membership: a transaction may have become ready, or ready earlier, so
 * that it goes before another. Only such a one that had named more of a log than was held.
 */
export function mayChangeWalk({ controls, logs }: DeviceState): boolean {
  let mayChange = false
  for (const [writer, log] of logs) {
    if (log.held === log.heldAtWalk) continue
    mayChange ||= controls.reach(writer) > log.heldAtWalk
    log.heldAtWalk = log.held
  }
  return mayChange
}
