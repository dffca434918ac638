import { compareDots } from '../merge/canonical-order.ts'
import type { Transaction } from '../merge/transaction.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import { Membership } from './membership.ts'

/** The logs as a walk sees them. */
export interface WalkSource {
  /** The writer's next transaction that is here; `null` at the end. */
  peek(writer: number): Promise<Transaction | null>
  advance(writer: number): void
  /** Blocks of the writer's log that were passed. */
  position(writer: number): number
}

/**
 * Who is a member after everything in the logs: the walk of MERGE.md ("Membership"). A pure function of what the source holds.
 * Cost: every transaction of the source once; memory for one transaction a writer.
 *
 * @param first - the writer of the database's first log
 */
export async function walk(first: number, source: WalkSource, writers: WriterTable): Promise<Membership> {
  let membership = Membership.first(first)
  const has = (writer: number): number => source.position(writer)
  for (;;) {
    await walkData(membership, source, has)
    const next = await bestReady(membership, source, has, writers)
    if (next === null) return membership
    membership = membership.after(next, next.writer === first && next.seq === 0, writers)
    source.advance(next.writer)
  }
}

/** Passes everything that changes no membership, as far as it goes. */
async function walkData(membership: Membership, source: WalkSource, has: (writer: number) => number): Promise<void> {
  for (let moved = true; moved; ) {
    moved = false
    for (const { writer } of membership.members) {
      for (;;) {
        const next = await source.peek(writer)
        if (next === null || next.membership.length > 0 || !membership.isReady(next, has)) break
        source.advance(writer)
        moved = true
      }
    }
  }
}

async function bestReady(
  membership: Membership,
  source: WalkSource,
  has: (writer: number) => number,
  writers: WriterTable
): Promise<Transaction | null> {
  let best: Transaction | null = null
  for (const { writer } of membership.members) {
    const next = await source.peek(writer)
    if (next === null || next.membership.length === 0 || !membership.isReady(next, has)) continue
    if (best === null || goesFirst(next, best, membership, writers)) best = next
  }
  return best
}

function goesFirst(a: Transaction, b: Transaction, membership: Membership, writers: WriterTable): boolean {
  const rank = membership.rankOf(a.writer, writers) - membership.rankOf(b.writer, writers)
  return rank !== 0 ? rank < 0 : compareDots({ ...a, index: 0 }, { ...b, index: 0 }, writers) < 0
}
