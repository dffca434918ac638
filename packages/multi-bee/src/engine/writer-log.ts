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
  /** For a removed writer: stands after the last block that was looked at past its cut-off. */
  beyond: LogCursor | null
  /** Up to where {@link beyond} has been, in blocks. */
  lookedAt: number
  /** Wall time in ms when something of it was last applied here; `null`: not yet. */
  lastSeen: number | null
  /** How far its clock was ahead of this device's when that was last beyond the bound, in ms; else 0. */
  skewMs: number
  /** Blocks that did not decode, since the database was opened. */
  malformed: number
  /** Whether it was said that not even its first block can be read. */
  isReported: boolean
}

/** Follows a log from a position on. */
export function followLog(log: OpLog, writers: WriterTable, position: number, state: LogState, lastSeen: number | null): WriterLog {
  const cursor = new LogCursor(log, writers, position, state)
  return { log, cursor, state, beyond: null, lookedAt: 0, lastSeen, skewMs: 0, malformed: 0, isReported: false }
}
