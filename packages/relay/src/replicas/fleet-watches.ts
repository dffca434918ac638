import { nameOf } from '../keys.ts'
import type { KeyPair } from '../types.ts'
import { replicaAddress } from './replica-address.ts'
import type { Replica } from './replica-set.ts'
import { ReplicaWatch, type ReplicaWatchEvents } from './replica-watch.ts'

/** One relay listens to each of the owner's others. It owns its connections to them. */
export class FleetWatches {
  readonly #keyPair: KeyPair
  readonly #intervalMs: number
  readonly #watches = new Map<string, ReplicaWatch>()

  constructor(keyPair: KeyPair, intervalMs: number) {
    this.#keyPair = keyPair
    this.#intervalMs = intervalMs
  }

  /** Listens to it where it is now: at the address before no longer, and not at all where it has none. */
  follow(replica: Replica, events: ReplicaWatchEvents): void {
    const [name, address] = [nameOf(replica.key), replicaAddress(replica, null)]
    if (this.#watches.get(name)?.isAt(address) === false) this.leave(replica.key)
    if (address === null || this.#watches.has(name)) return
    this.#watches.set(name, new ReplicaWatch(address, this.#keyPair, this.#intervalMs, events))
  }

  /** It is there: there is no need to wait before it is tried again. */
  hurry(key: Uint8Array): void {
    this.#watches.get(nameOf(key))?.hurry()
  }

  /** Says to all that there is a newer set. */
  tellSet(set: Uint8Array): void {
    for (const watch of this.#watches.values()) watch.tellSet(set)
  }

  leave(key: Uint8Array): void {
    this.#watches.get(nameOf(key))?.close()
    this.#watches.delete(nameOf(key))
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close()
    this.#watches.clear()
  }
}
