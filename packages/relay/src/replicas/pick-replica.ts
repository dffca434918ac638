import b4a from 'b4a'
import { checkFraction } from '../arguments.ts'
import type { ReplicaState, ReplicaStatus } from './replica-view.ts'

/** Load from which a replica sends newcomers on. */
export const OVERLOAD = 0.9
/** By how much another one must be less loaded before somebody leaves a replica that is well. */
export const MARGIN = 0.2

/** Which are tried first. `failed` comes last, since everything else has been tried by then. */
const TIERS: readonly ReplicaState[] = ['alive', 'unheard', 'draining', 'dead', 'failed']

/** How {@link pickReplica} chooses. */
export interface PickOptions {
  /** The replica one is at now. */
  current?: Uint8Array | null
  /** Keys not to choose, such as those tried just now. */
  exclude?: readonly Uint8Array[]
  /** @defaultValue 0.2 */
  margin?: number
  /** In [0, 1). @defaultValue Math.random */
  random?: () => number
}

/**
 * Chooses the replica to be at: of two at random the one with less load (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing",
 * IEEE TPDS 12(10), 2001), which keeps the fullest of n near the mean where one choice does not, and sends no herd to the one that is emptiest.
 *
 * Whoever is at a replica that is alive stays, unless the other one's load is lower by more than `margin`; and then leaves with a chance of
 * (difference of loads) / (2 × load of the current one), so that if all do the same at once, the two come out even instead of changing places.
 *
 * @param statuses - of {@link ReplicaView.statuses}
 * @returns its key, or null when there is none to choose
 * @throws RelayError `RELAY_BAD_ARGUMENT`
 */
export function pickReplica(
  statuses: readonly ReplicaStatus[],
  { current = null, exclude = [], margin = MARGIN, random = Math.random }: PickOptions = {}
): Uint8Array | null {
  checkFraction(margin, 'the margin')
  const allowed = statuses.filter(({ key }) => !exclude.some((other) => b4a.equals(other, key)))
  const tier = TIERS.find((state) => allowed.some((status) => status.state === state))
  if (tier === undefined) return null
  const candidates = allowed.filter(({ state }) => state === tier)
  const here = candidates.find(({ key }) => current !== null && b4a.equals(key, current))
  if (here === undefined) return lessLoadedOfTwo(candidates, random).key
  const others = candidates.filter((status) => status !== here)
  if (others.length === 0) return here.key
  const other = lessLoadedOfTwo(others, random)
  const difference = here.load - other.load
  const leaves = difference > margin && random() < difference / (2 * here.load)
  return leaves ? other.key : here.key
}

/** Of two different ones at random, or of the only one. */
function lessLoadedOfTwo(candidates: readonly ReplicaStatus[], random: () => number): ReplicaStatus {
  const { length } = candidates
  const first = Math.floor(random() * length)
  // The second is one of the others, all alike.
  const second = length === 1 ? first : (first + 1 + Math.floor(random() * (length - 1))) % length
  const [a, b] = [candidates[first] as ReplicaStatus, candidates[second] as ReplicaStatus]
  return b.load < a.load ? b : a
}
