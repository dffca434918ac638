import { LogCursor } from '../log/log-cursor.ts'
import type { LogState } from '../log/log-state.ts'
import type { OpLog } from '../log/op-log.ts'
import type { WriterTable } from '../merge/writer-table.ts'

/** One writer's log as this device follows it. */
export interface WriterLog {
  readonly log: OpLog
  /** Stands after the last transaction that was applied, or is being applied. */
  cursor: LogCursor
  /** Of the log where the view stands. */
  state: LogState
  /** Blocks that were read, applied or not. */
  held: number
  /** Of these, those that were held when membership was last looked at. */
  heldAtWalk: number
  /** Where the next transaction cannot be applied: stands after the last that was read all the same. */
  beyond: LogCursor | null
  /** Wall time in ms when something of it was last applied here; `null`: not yet. */
  lastSeen: number | null
  /** How far its clock was ahead of this device's when something of it was last applied, in ms, if beyond the bound; else 0. */
  skewMs: number
  /** Whether it was said that not even its first block can be read. */
  isReported: boolean
}

/** Follows a log from a position on. */
export function followLog(
  log: OpLog,
  writers: WriterTable,
  position: number,
  state: LogState,
  lastSeen: number | null
): WriterLog {
  const cursor = new LogCursor(log, writers, position, state)
  return {
    log,
    cursor,
    state,
    held: position,
    heldAtWalk: 0,
    beyond: null,
    lastSeen,
    skewMs: 0,
    isReported: false
  }
}
