import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import { MARGIN, OVERLOAD, pickReplica } from './pick-replica.ts'
import type { Replica } from './replica-set.ts'
import type { ReplicaStatus, ReplicaView } from './replica-view.ts'

/** After so many a device stays where it is refused, and begins anew with another one. */
const MAX_REDIRECTS = 2

/** How a replica decides whom it keeps. */
export interface RedirectOptions {
  /** 32 bytes: the replica itself. */
  self: Uint8Array
  load: number
  draining: boolean
  /** In [0, 1). @defaultValue Math.random */
  random?: () => number
}

/**
 * Where a replica sends a newcomer: another one that is alive and, where this one is merely overloaded, clearly less so.
 *
 * @returns its key; null when the newcomer is to be served here, because all is well or because nobody else would do better. A replica that
 * drains and gets null serves on, too: better late than not at all
 */
export function redirectTarget(
  statuses: readonly ReplicaStatus[],
  { self, load, draining, random = Math.random }: RedirectOptions
): Uint8Array | null {
  if (!draining && load < OVERLOAD) return null
  const bound = draining ? Number.POSITIVE_INFINITY : load - MARGIN
  const others = statuses.filter((status) => status.state === 'alive' && status.load < bound)
  const roomy = others.filter((status) => status.load < OVERLOAD)
  return pickReplica(roomy.length > 0 ? roomy : others, { exclude: [self], random })
}

/**
 * A device's way from one replica to the next in one attempt to connect. A redirect is no more than a hint from whoever was asked: it is followed
 * only to a replica that the owner's signed set names, by the addresses that stand there, and never twice to the same.
 */
export class RedirectTrail {
  readonly #view: ReplicaView
  readonly #visited: Uint8Array[]
  #followed = 0

  /** @param first - the key of the replica that is asked first */
  constructor(view: ReplicaView, first: Uint8Array) {
    this.#view = view
    this.#visited = [b4a.from(first)]
  }

  /** Keys that were asked, the first one first. */
  get visited(): readonly Uint8Array[] {
    return this.#visited
  }

  /**
   * Checks where a replica sends one.
   *
   * @returns whom to ask next
   * @throws RelayError `RELAY_REDIRECT_REFUSED` when it is not in the owner's set, was asked already, or is the third
   */
  follow(target: Uint8Array): Replica {
    if (this.#followed >= MAX_REDIRECTS) throw refused(`there were ${MAX_REDIRECTS} redirects already`)
    const replica = this.#view.set?.find(target) ?? null
    if (replica === null) throw refused('the target is not in the owner’s replica set')
    if (this.#visited.some((key) => b4a.equals(key, target))) throw refused('the target was asked already')
    this.#visited.push(replica.key)
    this.#followed++
    return replica
  }
}

function refused(why: string): RelayError {
  return new RelayError('RELAY_REDIRECT_REFUSED', `a redirect is not followed: ${why}`)
}
