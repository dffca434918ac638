import type { Strength } from '../state/strength.ts'

/** For strengths 0, 1 and 2: up to which event somebody has decided between histories of that strength, or of a higher one; 0 for none. */
export type Decisions = readonly [number, number, number]

export const UNDECIDED: Decisions = [0, 0, 0]

/** Where two histories that are as strong part. */
interface Contest {
  readonly seq: number
  readonly strength: Strength
}

export function withDecision(known: Decisions, { seq, strength }: Contest): Decisions {
  return changed(known, (place, i) => (i <= strength ? Math.max(place, seq) : place))
}

/** What was decided of a history that has lost is not of the one that has won, from the event on at which they part. */
export function decidedBefore(known: Decisions, seq: number): Decisions {
  return changed(known, (place) => Math.min(place, seq - 1))
}

/** A decision was about keys of some strength: about better ones nobody has said anything. */
export function isDecided(known: Decisions, { seq, strength }: Contest): boolean {
  return seq <= known[strength]
}

function changed([a, b, c]: Decisions, change: (place: number, strength: number) => number): Decisions {
  return [change(a, 0), change(b, 1), change(c, 2)]
}
