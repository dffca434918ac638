// Which of many histories counts, from docs/decisions/0015 alone: of all of them at once, where a memory hears of one after the other.
import { accepted, type Fact } from './reference.ts'

/** The events of a chain; all of them are right. @param known - by the last event, which stands for all before it */
export function factsOf(events: readonly Uint8Array[], known = new Map<string, Fact[]>()): Fact[] {
  return events.reduce<Fact[]>((before, event) => {
    const key = Buffer.from(event).toString('hex')
    const facts = known.get(key) ?? (accepted(before, event) as Fact[])
    known.set(key, facts)
    return facts
  }, [])
}

const isFinal = (facts: Fact[], hash: string): boolean =>
  facts.some((fact) => fact.hash === hash && fact.revealed !== null)

/** Of a history from an event on: 0 by admins alone, 1 by control keys or the quorum, 2 by the keys that were committed to before. */
function strength(facts: Fact[], from: number): number {
  const after = facts.slice(from)
  const taken = after.findIndex(({ kind, announcement }) => kind === 7 && !isFinal(facts, announcement))
  const own = taken === -1 ? after : after.slice(0, taken)
  const isCommitted = ({ kind, revealed, announcement }: Fact): boolean =>
    kind === 2 || (kind === 5 && revealed !== null) || (kind === 7 && isFinal(facts, announcement))
  if (own.some(isCommitted)) return 2
  // Who only announces has not waited.
  return after.some(({ admin, kind }) => admin === null && kind !== 5) ? 1 : 0
}

/**
 * The newest event of the history that counts, or the number at which two are as strong.
 *
 * @param mine - the history of a person who knows it, and decides for it where it is one of those that are as strong
 */
export function verdict(
  histories: readonly Fact[][],
  mine: readonly Fact[] = [],
  at = 0
): { head: string } | { frozen: number } {
  const going = histories.filter(({ length }) => length > at)
  if (going.length === 0) return { head: histories[0]?.[at - 1]?.hash ?? '' }
  const branches = new Map<string, Fact[][]>()
  for (const history of going) {
    const { hash } = history[at] as Fact
    branches.set(hash, [...(branches.get(hash) ?? []), history])
  }
  const strengths = [...branches.values()].map((branch) =>
    Math.max(...branch.map((facts) => strength(facts, at)))
  )
  const most = Math.max(...strengths)
  const strongest = [...branches.values()].filter((_, i) => branches.size === 1 || strengths[i] === most)
  const chosen = strongest.find((branch) => branch[0]?.[at]?.hash === mine[at]?.hash)
  const counts = strongest.length === 1 ? strongest[0] : chosen
  return counts === undefined ? { frozen: at } : verdict(counts, mine, at + 1)
}
