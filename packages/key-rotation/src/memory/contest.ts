import { strengthOf, strengthOfBrought, type Strength } from '../state/strength.ts'
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
export function weighHistory({ events: known, duplicity }: Standing, brought: Events): Outcome {
  const at = firstDifference(known, brought)
  const strength = (place: number): Strength => strengthOfBrought(brought, place, known)
  if (duplicity === null) return outcomeOf(strength(at), strengthOf(known, at), at)
  const { seq, branches } = duplicity
  const other = branches[1]
  const place = Math.min(at, firstDifference(other, brought), seq)
  const isThird = at === firstDifference(other, brought)
  const rivals = isThird ? [known, other] : at > seq ? [other] : [known]
  const most = Math.max(...rivals.map((events) => strengthOf(events, place))) as Strength
  const outcome = outcomeOf(strength(place), most, place)
  // Of two that are as strong already, a third makes no difference, unless it parts from both before.
  return outcome.kind === 'freezes' && place === seq ? { kind: 'loses' } : outcome
}

function outcomeOf(brought: Strength, known: Strength, seq: number): Outcome {
  if (brought === known) return { kind: 'freezes', seq, strength: known }
  return { kind: brought > known ? 'wins' : 'loses' }
}
