import type { ForkedWriter, Transaction } from '../merge/transaction.ts'
import { lengthAt } from '../merge/version-vector.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { ControlCursor, type Controls } from './controls.ts'
import { Lines } from './lines.ts'
import { hexOf, Membership } from './membership.ts'
import { afterTransaction, type WalkScope } from './walk-step.ts'

/**
 * Who is a member after these transactions: the walk of MERGE.md ("Membership"). Pure.
 * Cost: their number times that of logs whose next one is not ready; once more as long as forks turn up that are told only behind others.
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
  /** Forks that are known, by key in hex: the one that cuts lowest. */
  const cuts = new Map<string, ForkedWriter>()
  for (;;) {
    const scope = { writers, first, cuts, removals: new Map(), admits: new Map() }
    const membership = walkOnce(controls, held, scope)
    if (!learnForks(membership, controls, scope)) return membership.knowing([...cuts.values()])
  }
}

/**
 * Takes up what is told of forks, wherever it is: each carries its proof. Of a writer that is removed neither its own line is heard, unless
 * that is walked, nor a stranger: who has stolen a device could take back all that it ever wrote.
 *
 * @returns whether any of them cuts lower than what was known
 */
function learnForks(membership: Membership, controls: Controls, scope: WalkScope): boolean {
  const { writers, cuts, removals } = scope
  const lines = new Lines(controls, writers)
  let isLower = false
  for (const [author, list] of controls.entries()) {
    const walked = lengthAt(membership.walked, author)
    const isMember = membership.get(author) !== undefined
    for (const { seq, membership: records } of list)
      for (const record of records) {
        if (record.type !== 'fork') continue
        const isRemoved =
          removals.has(hexOf(record.writer)) || membership.get(writers.find(record.writer))?.removed
        if (seq >= walked && isRemoved && (!isMember || lines.isOne(author, record.writer))) continue
        if (lower(cuts, record)) isLower = true
      }
  }
  return isLower
}

/** One walk, with the forks that are known. */
function walkOnce(controls: Controls, held: (writer: number) => number, scope: WalkScope): Membership {
  const { writers, first, cuts, removals } = scope
  const logs = new Map<number, ControlCursor>()
  for (const [writer, list] of controls.entries()) logs.set(writer, new ControlCursor(writer, list))
  /** Blocks of a log that are held and in which nothing is left to walk. */
  const passed = (writer: number): number => logs.get(writer)?.next?.seq ?? held(writer)
  let isFounded = false
  const isReady = (next: Transaction, membership: Membership): boolean => {
    if (membership.get(next.writer) !== undefined) return membership.isReady(next, passed)
    // Nobody is succeeded before there is a database, and nothing counts of a log that is cut at its first block.
    const id = hexOf(writers.keyOf(next.writer))
    const isCut = [cuts.get(id)?.cutOff, removals.get(id)].some(
      (cutOff) => cutOff !== undefined && next.seq >= cutOff.length
    )
    return isFounded && !isCut && membership.isSuccession(next, passed, writers)
  }
  let membership = Membership.first(first, cuts.get(hexOf(writers.keyOf(first))), scope.admits)
  for (;;) {
    const best = bestReady(membership, logs, isReady, writers)
    if (best === null) return membership
    membership = afterTransaction(membership, best, scope)
    isFounded ||= best.writer === first && best.seq === 0
    logs.get(best.writer)?.advance()
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

/** Notes a fork if it cuts lower than is known. */
function lower(cuts: Map<string, ForkedWriter>, fork: ForkedWriter): boolean {
  const known = cuts.get(hexOf(fork.writer))
  if (known !== undefined && known.cutOff.length <= fork.cutOff.length) return false
  cuts.set(hexOf(fork.writer), fork)
  return true
}
