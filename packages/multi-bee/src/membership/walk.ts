import type { Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { ControlCursor, type Controls } from './controls.ts'
import { Membership } from './membership.ts'

/**
 * Who is a member after these transactions: the walk of MERGE.md ("Membership"). Pure.
 * Cost: their number times that of members whose next one is not ready.
 *
 * @param first - the writer of the database's first log
 * @param controls - all transactions with membership records in the blocks that are held
 * @param held - how many blocks of a writer's log are held
 */
export function walk(
  first: number,
  controls: Controls,
  held: (writer: number) => number,
  writers: WriterTable
): Membership {
  const logs = new Map<number, ControlCursor>()
  for (const [writer, list] of controls.entries()) logs.set(writer, new ControlCursor(writer, list))
  /** Blocks of a log that are held and in which nothing is left to walk. */
  const passed = (writer: number): number => logs.get(writer)?.next?.seq ?? held(writer)
  let membership = Membership.first(first)
  for (;;) {
    const best = bestReady(membership, logs, passed, writers)
    if (best === null) return membership
    membership = membership.after(best, best.writer === first && best.seq === 0, writers)
    logs.get(best.writer)?.advance()
  }
}

/** Of the transactions that are ready, the one whose author ranks best. */
function bestReady(
  membership: Membership,
  logs: ReadonlyMap<number, ControlCursor>,
  passed: (writer: number) => number,
  writers: WriterTable
): Transaction | null {
  for (const writer of membership.byRank(writers)) {
    const next = logs.get(writer)?.next
    if (next && membership.isReady(next, passed)) return next
  }
  return null
}
