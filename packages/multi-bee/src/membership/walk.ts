import type { CutOff, Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { Membership } from './membership.ts'

/**
 * Who is a member after these transactions: the walk of MERGE.md ("Membership"). Pure.
 * Cost: square in their number, which is that of devices ever added or removed.
 *
 * @param first - the writer of the database's first log
 * @param controls - all transactions with membership records in the blocks that are held; those of one writer in order
 * @param held - how many blocks of a writer's log are held
 */
export function walk(
  first: number,
  controls: readonly Transaction[],
  held: (writer: number) => number,
  writers: WriterTable
): Membership {
  const cuts = new Map<number, CutOff>()
  for (;;) {
    const membership = walkOnce(first, controls, held, writers, cuts)
    if (membership !== null) return membership
  }
}

/**
 * One walk with the cut-offs of forks that are known.
 *
 * @param cuts - lowered, in place, by every fork that is walked
 * @returns null when one of them cuts off what was walked before it
 */
function walkOnce(
  first: number,
  controls: readonly Transaction[],
  held: (writer: number) => number,
  writers: WriterTable,
  cuts: Map<number, CutOff>
): Membership | null {
  const logs = new Map<number, Transaction[]>()
  for (const control of controls) {
    const log = logs.get(control.writer)
    if (log === undefined) logs.set(control.writer, [control])
    else log.push(control)
  }
  let membership = Membership.first(first, cuts.get(first) ?? null)
  /** Seq of the last transaction of a writer that was walked. */
  const last = new Map<number, number>()
  /** Blocks of a log that are held and in which nothing is left to walk. */
  const passed = (writer: number): number => logs.get(writer)?.[0]?.seq ?? held(writer)
  for (;;) {
    let best: Transaction | null = null
    for (const [next] of logs.values()) {
      if (next === undefined) continue
      if (!membership.isReady(next, passed) && !membership.isSuccession(next, passed, writers)) continue
      if (best === null || membership.compareRank(next, best, writers) < 0) best = next
    }
    if (best === null) return membership
    const { writer, seq } = best
    membership = membership.after(best, { writers, isFirst: writer === first && seq === 0, cuts })
    logs.get(writer)?.shift()
    last.set(writer, seq)
    for (const record of best.membership) {
      if (record.type !== 'fork') continue
      const forked = writers.idOf(record.writer)
      const { cutOff } = record
      if (cutOff.length < (cuts.get(forked)?.length ?? Infinity)) cuts.set(forked, cutOff)
      if ((last.get(forked) ?? -1) >= cutOff.length) return null
    }
  }
}
