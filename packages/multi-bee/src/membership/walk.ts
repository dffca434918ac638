import type { CutOff, Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { ControlCursor, type Controls } from './controls.ts'
import { hexOf, Membership, type WalkScope } from './membership.ts'

/**
 * Who is a member after these transactions: the walk of MERGE.md ("Membership"). Pure.
 * Cost: their number times that of logs whose next one is not ready; once more for each fork that cuts off what was walked.
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
  const cuts = new Map<string, CutOff>()
  for (;;) {
    const membership = walkOnce(controls, held, { writers, first, cuts, admits: new Map() }, cuts)
    if (membership !== null) return membership
  }
}

/**
 * One walk with the cut-offs of forks that are known.
 *
 * @param cuts - the scope's; lowered, in place, by every fork that is walked
 * @returns null when one of them cuts off what was walked before it
 */
function walkOnce(
  controls: Controls,
  held: (writer: number) => number,
  scope: WalkScope,
  cuts: Map<string, CutOff>
): Membership | null {
  const { writers, first } = scope
  const logs = new Map<number, ControlCursor>()
  for (const [writer, list] of controls.entries()) logs.set(writer, new ControlCursor(writer, list))
  /** Blocks of a log that are held and in which nothing is left to walk. */
  const passed = (writer: number): number => logs.get(writer)?.next?.seq ?? held(writer)
  /** Seq of the last transaction of a writer that was walked. */
  const last = new Map<number, number>()
  let membership = Membership.first(first, cuts.get(hexOf(writers.keyOf(first))) ?? null, scope.admits)
  for (;;) {
    const best = bestReady(membership, logs, passed, writers)
    if (best === null) return membership
    membership = membership.after(best, scope)
    last.set(best.writer, best.seq)
    logs.get(best.writer)?.advance()
    for (const record of best.membership) {
      if (record.type !== 'fork') continue
      const { writer, cutOff } = record
      if (cutOff.length < (cuts.get(hexOf(writer))?.length ?? Infinity)) cuts.set(hexOf(writer), cutOff)
      if ((last.get(writers.find(writer)) ?? -1) >= cutOff.length) return null
    }
  }
}

/** Of the transactions that are ready, the one whose author ranks best. */
function bestReady(
  membership: Membership,
  logs: ReadonlyMap<number, ControlCursor>,
  passed: (writer: number) => number,
  writers: WriterTable
): Transaction | null {
  let best: Transaction | null = null
  for (const cursor of logs.values()) {
    const { next } = cursor
    if (next === null || (best !== null && membership.compareRank(next, best, writers) >= 0)) continue
    if (membership.isReady(next, passed) || membership.isSuccession(next, passed, writers)) best = next
  }
  return best
}
