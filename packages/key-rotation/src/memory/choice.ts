import { badArgument } from '../arguments.ts'
import { strengthOf } from '../state/strength.ts'
import { verify } from '../verify.ts'
import type { BranchCheck } from './branch-check.ts'
import { weighHistory } from './contest.ts'
import { withDecision } from './decisions.ts'
import { firstDifference } from './difference.ts'
import { takeIn } from './recovery-watch.ts'
import type { Seen } from './seen.ts'

type Chosen = Pick<Seen, 'events' | 'state' | 'sightings'>

/**
 * What is remembered once a person has said which of two branches is hers.
 *
 * @param given - as `IdentityMemory.choose` takes it
 * @param now - asked for a third chain only
 * @throws KEY_ROTATION_BAD_ARGUMENT, and of a third chain what `takeIn` throws
 */
export function choose(
  heard: Seen,
  given: 0 | 1 | readonly Uint8Array[],
  branchCheck: BranchCheck,
  now: () => number
): Seen {
  const { duplicity, decided, superseded: before } = heard
  if (duplicity === null) throw badArgument('there are no two branches to choose from')
  const { seq, branches } = duplicity
  const place =
    typeof given === 'number' ? given : branches.findIndex((one) => firstDifference(one, given) > seq)
  const chosen =
    place === -1
      ? third(heard, given as readonly Uint8Array[], seq, branchCheck, now)
      : shown(heard, branches[place])
  const superseded = place === 0 ? before : { seq, events: branches[0] }
  const contest = { seq, strength: strengthOf(branches[0], seq) }
  return { ...chosen, superseded, duplicity: null, decided: withDecision(decided, contest) }
}

function shown({ state, sightings }: Seen, events: readonly Uint8Array[] | undefined): Chosen {
  if (events === undefined) throw badArgument('there are two branches, 0 and 1')
  return { events, state: verify(events, { trusted: state.identity }).state, sightings }
}

/** One as strong, which parts from both where they part. */
function third(
  { events: known, sightings }: Seen,
  given: readonly Uint8Array[],
  seq: number,
  branchCheck: BranchCheck,
  now: () => number
): Chosen {
  if (firstDifference(known, given) !== seq || seq === given.length)
    throw badArgument('it does not part from the others where they part')
  const before = { state: branchCheck.stateBefore(known, seq), sightings }
  const taken = takeIn(before, given.slice(seq), now())
  const events = [...known.slice(0, seq), ...given.slice(seq, seq + taken.count)]
  const isAsStrong =
    taken.count > 0 && weighHistory({ events: known, duplicity: null }, events).kind === 'freezes'
  if (!isAsStrong) throw taken.held ?? badArgument('it is not as strong as the others')
  return { events, state: taken.state, sightings: taken.sightings }
}
