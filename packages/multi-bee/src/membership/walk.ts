import type { ForkedWriter, Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { ControlCursor, type Controls } from './controls.ts'
import { hexOf, Membership } from './membership.ts'
import { afterTransaction, type WalkScope } from './walk-step.ts'

/**
 * Who is a member after these transactions: the walk of MERGE.md ("Membership"). Pure.
 * Cost: their number times that of logs whose next one is not ready; once more for each fork.
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
  const cuts = provenForks(controls, writers)
  for (;;) {
    const membership = walkOnce(controls, held, {
      writers,
      first,
      cuts,
      removals: new Map(),
      admits: new Map()
    })
    if (membership !== null) return membership
  }
}

/**
 * The forks that count wherever they are told of: each carries its proof. Not those of a writer that a log of its own line tells: who
 * has stolen a device could take back all that it ever wrote.
 */
function provenForks(controls: Controls, writers: WriterTable): Map<string, ForkedWriter> {
  const cuts = new Map<string, ForkedWriter>()
  for (const [author, list] of controls.entries()) {
    const line = lineBehind(author, controls, writers)
    for (const { membership } of list)
      for (const record of membership)
        if (record.type === 'fork' && !line.has(hexOf(record.writer))) lower(cuts, record)
  }
  return cuts
}

/** Keys, in hex, of the writer and of those that its log goes on from, whether that counts or not. They may have no number yet. */
function lineBehind(writer: number, controls: Controls, writers: WriterTable): Set<string> {
  const line = new Set<string>()
  let key: Uint8Array | null = writers.keyOf(writer)
  while (key !== null && !line.has(hexOf(key))) {
    line.add(hexOf(key))
    key = previousOf(writers.find(key), controls)
  }
  return line
}

/** The writer that the log of this one says it goes on from. */
function previousOf(writer: number, controls: Controls): Uint8Array | null {
  const record = controls.of(writer)[0]?.membership[0]
  return record?.type === 'succeed' ? record.previous : null
}

/** One walk. @returns null when it comes upon a fork whose cut-off the scope did not know; then it does */
function walkOnce(controls: Controls, held: (writer: number) => number, scope: WalkScope): Membership | null {
  const { writers, first, cuts, removals } = scope
  const logs = new Map<number, ControlCursor>()
  for (const [writer, list] of controls.entries()) logs.set(writer, new ControlCursor(writer, list))
  /** Blocks of a log that are held and in which nothing is left to walk. */
  const passed = (writer: number): number => logs.get(writer)?.next?.seq ?? held(writer)
  const unmet = new Map(cuts)
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
    if (best === null) return membership.leaving([...unmet.values()])
    if (lowersCut(best, cuts)) return null
    for (const record of best.membership) if (record.type === 'fork') meet(unmet, record)
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

/** Whether a transaction tells of a fork that cuts lower than is known. Notes it. */
function lowersCut({ membership }: Transaction, cuts: Map<string, ForkedWriter>): boolean {
  let lowers = false
  for (const record of membership) if (record.type === 'fork' && lower(cuts, record)) lowers = true
  return lowers
}

/** Notes a fork if it cuts lower than is known. */
function lower(cuts: Map<string, ForkedWriter>, fork: ForkedWriter): boolean {
  const known = cuts.get(hexOf(fork.writer))
  if (known !== undefined && known.cutOff.length <= fork.cutOff.length) return false
  cuts.set(hexOf(fork.writer), fork)
  return true
}

function meet(unmet: Map<string, ForkedWriter>, { writer, cutOff }: ForkedWriter): void {
  const fork = unmet.get(hexOf(writer))
  if (fork !== undefined && cutOff.length <= fork.cutOff.length) unmet.delete(hexOf(writer))
}
