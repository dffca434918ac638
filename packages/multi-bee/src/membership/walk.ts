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
    const membership = walkOnce(controls, held, { writers, first, cuts, admits: new Map() })
    if (membership !== null) return membership
  }
}

/** One walk. @returns null when a fork cuts off what was walked before it; the scope knows its cut-off then */
function walkOnce(controls: Controls, held: (writer: number) => number, scope: WalkScope): Membership | null {
  const { writers, first, cuts } = scope
  const logs = new Map<number, ControlCursor>()
  for (const [writer, list] of controls.entries()) logs.set(writer, new ControlCursor(writer, list))
  /** Blocks of a log that are held and in which nothing is left to walk. */
  const passed = (writer: number): number => logs.get(writer)?.next?.seq ?? held(writer)
  /** Seq of the last transaction of a writer that was walked. */
  const last = new Map<number, number>()
  let isFounded = false
  const isReady = (next: Transaction, membership: Membership): boolean => {
    if (membership.get(next.writer) !== undefined) return membership.isReady(next, passed)
    // Nobody is succeeded before there is a database, and nothing counts of a log that was forked at its first block.
    const isCut = next.seq >= (cuts.get(hexOf(writers.keyOf(next.writer)))?.length ?? Infinity)
    return isFounded && !isCut && membership.isSuccession(next, passed, writers)
  }
  let membership = Membership.first(first, cuts.get(hexOf(writers.keyOf(first))) ?? null, scope.admits)
  for (;;) {
    const best = bestReady(membership, logs, isReady, writers)
    if (best === null) return membership
    membership = membership.after(best, scope)
    last.set(best.writer, best.seq)
    isFounded ||= best.writer === first && best.seq === 0
    logs.get(best.writer)?.advance()
    for (const record of best.membership) {
      if (record.type !== 'fork') continue
      if ((last.get(writers.find(record.writer)) ?? -1) >= record.cutOff.length) return null
    }
  }
}

/** Of the transactions that are ready, the one whose author ranks best. */
function bestReady(
  membership: Membership,
  logs: ReadonlyMap<number, ControlCursor>,
  isReady: (next: Transaction, membership: Membership) => boolean,
  writers: WriterTable
): Transaction | null {
  let best: Transaction | null = null
  for (const cursor of logs.values()) {
    const { next } = cursor
    if (next === null || (best !== null && membership.compareRank(next, best, writers) >= 0)) continue
    if (isReady(next, membership)) best = next
  }
  return best
}
