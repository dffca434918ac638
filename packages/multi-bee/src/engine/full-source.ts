import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import type { Membership } from '../membership/membership.ts'
import type { Transaction } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import type { WriterLog } from './writer-log.ts'

/** Reads all logs from their first block to a horizon that stays where it was, whatever arrives meanwhile. */
export class FullSource {
  readonly #logs: ReadonlyMap<number, WriterLog>
  readonly #writers: WriterTable
  readonly #horizon: VersionVector
  readonly #cursors = new Map<number, LogCursor>()

  constructor(logs: ReadonlyMap<number, WriterLog>, writers: WriterTable, horizon: VersionVector) {
    this.#logs = logs
    this.#writers = writers
    this.#horizon = horizon
  }

  /** The cursor over a writer's log; `null` for a log this device does not have. */
  cursor(writer: number): LogCursor | null {
    const existing = this.#cursors.get(writer)
    if (existing !== undefined) return existing
    const log = this.#logs.get(writer)?.log
    if (log === undefined) return null
    const cursor = new LogCursor(log, this.#writers, 0, initialLogState(writer))
    this.#cursors.set(writer, cursor)
    return cursor
  }

  /** The writer's next transaction below the horizon; `null` at the end. */
  async peek(writer: number): Promise<Transaction | null> {
    const cursor = this.cursor(writer)
    if (cursor === null || cursor.position >= lengthAt(this.#horizon, writer)) return null
    const next = await cursor.peek()
    return next !== null && next.seq + next.length <= lengthAt(this.#horizon, writer) ? next : null
  }

  advance(writer: number): void {
    this.cursor(writer)?.advance()
  }

  /** Blocks of the writer's log that were passed. */
  position(writer: number): number {
    return this.#cursors.get(writer)?.position ?? 0
  }
}

/** What was read of each log. */
export function horizonOf(logs: ReadonlyMap<number, WriterLog>): VersionVector {
  const horizon: number[] = []
  for (const [writer, { held }] of logs) {
    while (horizon.length <= writer) horizon.push(0)
    horizon[writer] = held
  }
  return horizon
}

/**
 * The transactions that are applied under a membership (MERGE.md, "The transactions that are applied"), each after everything it has
 * seen that counts. Leaves the source where they end.
 */
export async function* causalOrder(membership: Membership, source: FullSource): AsyncGenerator<Transaction> {
  const has = (writer: number): number => source.position(writer)
  for (let moved = true; moved;) {
    moved = false
    for (const { writer } of membership.members) {
      for (
        let next = await source.peek(writer);
        next !== null && membership.isReady(next, has);
        next = await source.peek(writer)
      ) {
        source.advance(writer)
        moved = true
        yield next
      }
    }
  }
}
