import { strengthOf, strengthOfBrought, type Strength } from '../state/strength.ts'
import { type Decisions, isDecided } from './decisions.ts'
import { firstDifference } from './difference.ts'

type Events = readonly Uint8Array[]

/** Histories of one identity that part. Where two of them are as strong, `seq` is the first number at which they differ. */
export interface Standing {
  /** The one that counts here; while two are as strong, the one that was seen first. */
  readonly events: Events
  readonly duplicity: { readonly seq: number; readonly branches: readonly [Events, Events] } | null
}

/** What becomes of a history that is brought: it counts; or it stands against the one that counts, from a number on; or nothing. */
export type Outcome =
  | { readonly kind: 'wins' }
  | { readonly kind: 'loses' }
  | { readonly kind: 'freezes'; readonly seq: number; readonly strength: Strength }

/**
 * Weighs a history that parts from the one that counts, or goes on while two are as strong. The stronger one counts, for everybody and in whatever order they are heard
 * of: whoever keeps the strongest one, or two that are as strong, needs none of the others to tell, since what makes one stronger stands in it.
 */
export function weighHistory(standing: Standing, brought: Events): Outcome {
  const { seq, strength, most } = compare(standing, brought)
  // Of two that are as strong already, a third makes no difference, unless it parts from both before.
  if (strength === most && seq !== standing.duplicity?.seq) return { kind: 'freezes', seq, strength }
  return { kind: strength > most ? 'wins' : 'loses' }
}

/**
 * Whether a history would make a difference if a recovery that it announces were completed by its quorum alone: one that the identity has replaced, or a person has decided against, announces for
 * nothing.
 */
export function mayRecover(standing: Standing, brought: Events, decided: Decisions): boolean {
  const { seq, strength: found, most } = compare(standing, brought)
  const strength = Math.max(found, 1) as Strength
  return strength > most || (strength === most && !isDecided(decided, { seq, strength }))
}

/** From `seq` on, how strong a history is that is brought, and the strongest of those that it stands against. */
function compare(
  { events: known, duplicity }: Standing,
  brought: Events
): { seq: number; strength: Strength; most: Strength } {
  const at = firstDifference(known, brought)
  const [own, other] = duplicity?.branches ?? [known, known]
  const seq = duplicity === null ? at : Math.min(at, firstDifference(other, brought), duplicity.seq)
  const isThird = at === firstDifference(other, brought)
  const rivals = isThird ? [own, other] : at > seq ? [other] : [own]
  const most = Math.max(...rivals.map((events) => strengthOf(events, seq))) as Strength
  return { seq, strength: strengthOfBrought(brought, seq, known), most }
}
