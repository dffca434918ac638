import b4a from 'b4a'
import { checkGrant } from '../arguments.ts'
import type { RelayAddress, ShownGrant } from '../addresses/relay-address.ts'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import { pickReplica } from '../replicas/pick-replica.ts'
import { replicaAddress } from '../replicas/replica-address.ts'
import { ReplicaSet } from '../replicas/replica-set.ts'
import { type ReplicaState, type ReplicaStatus, ReplicaView } from '../replicas/replica-view.ts'
import type { ReplicasOptions } from './replica-options.ts'

/** Which relays are tried first by whoever looks for a device. */
const ORDER: readonly ReplicaState[] = ['alive', 'unheard', 'draining', 'dead', 'failed']

/** What a device knows of its owner's replicas: where they are, how they are, and which of them is to be asked next. */
export class KnownReplicas {
  /** How they are, by their beats and by what this device has seen of them. */
  readonly view: ReplicaView
  readonly #grant: ShownGrant | null

  /**
   * @param hearingMs - how often this device asks for beats
   * @throws RelayError `RELAY_BAD_ARGUMENT`, and what {@link ReplicaSet.open} throws
   */
  constructor({ owner, set, grant }: ReplicasOptions, hearingMs: () => number) {
    checkGrant(grant)
    this.#grant = grant ?? null
    this.view = new ReplicaView(owner, { now: monotonic, hearingMs })
    this.view.use(ReplicaSet.open(set, owner))
    if (this.addresses([]).length === 0)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'no replica has an address that this platform can reach')
  }

  /**
   * All of them, as a device that is looked for may be at any.
   *
   * @param first - keys of those where it says it is; then come those that are most likely there
   */
  addresses(first: readonly Uint8Array[]): RelayAddress[] {
    const rank = ({ key, state, load }: ReplicaStatus): number =>
      first.some((one) => b4a.equals(one, key)) ? -1 : ORDER.indexOf(state) * 1_000 + load
    return this.view
      .statuses()
      .sort((a, b) => rank(a) - rank(b))
      .flatMap((status) => this.#addressOf(status) ?? [])
  }

  /** Where one of the set is dialled; `null` where it is none, or cannot be. */
  address(key: Uint8Array): RelayAddress | null {
    const replica = this.view.set?.find(key) ?? null
    return replica === null ? null : this.#addressOf(replica)
  }

  /** Somewhere else than all these, where this device is or is being let in. */
  choose(taken: readonly Uint8Array[]): Uint8Array | null {
    const free = this.view.statuses().filter((status) => this.#mayAsk(status, taken.length > 0))
    return pickReplica(free, { exclude: taken })
  }

  /** Another one that would do clearly better than `current`, and is none of the others. */
  better(current: Uint8Array, others: readonly Uint8Array[]): Uint8Array | null {
    // One that drains asks its devices in turn: all at once would be a herd.
    if (this.view.status(current)?.state !== 'alive') return null
    const free = this.view.statuses().filter((status) => status.key === current || this.#mayAsk(status, true))
    const better = pickReplica(free, { current, exclude: others })
    return better === null || b4a.equals(better, current) ? null : better
  }

  #mayAsk(status: ReplicaStatus, knowsAnother: boolean): boolean {
    if (status.state === 'failed' || this.#addressOf(status) === null) return false
    // Who drains sends one on; it is asked only by who knows nobody else.
    return status.state !== 'draining' || !knowsAnother
  }

  #addressOf(replica: {
    readonly key: Uint8Array
    readonly addresses: readonly string[]
  }): RelayAddress | null {
    return replicaAddress(replica, this.#grant)
  }
}
