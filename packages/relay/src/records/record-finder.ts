import b4a from 'b4a'
import type { DhtLike } from '../dht.ts'
import { monotonic } from '../monotonic.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { TrustedOwner } from './trusted-owner.ts'
import { replicaAddress } from '../replicas/replica-address.ts'
import { ReplicaSet } from '../replicas/replica-set.ts'
import { DeviceRecord } from './device-record.ts'
import { RecordShelf } from './record-shelf.ts'

/** What a {@link RecordFinder} is made with. */
export interface RecordFinderOptions {
  readonly owners: readonly TrustedOwner[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Asks one's own relays; every answer goes to `onrecord`, an empty one included. @returns how many were asked, and what ends it */
  readonly ask: (
    target: Uint8Array,
    onrecord: (record: Uint8Array) => void
  ) => { readonly asked: number; stop(): void }
  /** How long they may take, in milliseconds, before the DHT is asked. */
  readonly askMs: number
  readonly dht: DhtLike | null
  /** A set of an owner that is newer than the one known before. */
  readonly onset: (set: ReplicaSet) => void
}

const MOST_RECORDS = 1_000

/** Finds out where devices say they can be reached, and by which addresses of trusted owners. */
export class RecordFinder {
  readonly #options: RecordFinderOptions
  readonly #shelf: RecordShelf
  /** The newest of each owner. */
  readonly #sets = new Map<string, ReplicaSet>()

  constructor(options: RecordFinderOptions) {
    this.#options = options
    this.#shelf = new RecordShelf({ now: options.now, steady: monotonic, most: MOST_RECORDS })
  }

  /** Public keys of the relays where a device is, as far as is known without asking. */
  known(target: Uint8Array): readonly Uint8Array[] {
    return this.#shelf.get(target)?.relays ?? []
  }

  /** Where a device is, as far as is known without asking. */
  addresses(target: Uint8Array): RelayAddress[] {
    return this.known(target).flatMap((key) => {
      for (const { owner, grant } of this.#options.owners) {
        const replica = this.#sets.get(b4a.toString(owner, 'hex'))?.find(key) ?? null
        const address = replica === null ? null : replicaAddress(replica, grant ?? null)
        if (address !== null) return [address]
      }
      return []
    })
  }

  /** Knows a set of a trusted owner from now on; an older one changes nothing. @returns whether it is the one that counts */
  use(set: ReplicaSet): boolean {
    const name = b4a.toString(set.owner, 'hex')
    if (set.seq <= (this.#sets.get(name)?.seq ?? -1)) return false
    this.#sets.set(name, set)
    return true
  }

  /**
   * Asks one's own relays, and the DHT where they have nothing newer than what is known: a device that has moved is not where it was.
   *
   * @param stopped - whether nobody wants to know any more
   * @returns addresses of relays, none where nothing is known, or nobody is trusted who has signed them
   */
  async find(target: Uint8Array, stopped: Promise<void>): Promise<RelayAddress[]> {
    const before = this.#shelf.get(target)
    const isNews = (): boolean => this.#shelf.get(target) !== before && this.addresses(target).length > 0
    await Promise.race([this.#askRelays(target, isNews, stopped), stopped])
    if (!isNews()) await Promise.race([this.#askDht(target), stopped])
    return this.addresses(target)
  }

  #askRelays(target: Uint8Array, isNews: () => boolean, stopped: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      let left = 0
      const asking = this.#options.ask(target, (record) => {
        this.#take(record, target)
        left--
        if (left === 0 || isNews()) finish()
      })
      const finish = (): void => {
        clearTimeout(timer)
        asking.stop()
        resolve()
      }
      const timer = setTimeout(finish, asking.asked === 0 ? 0 : this.#options.askMs)
      left = asking.asked
      void stopped.then(finish)
    })
  }

  async #askDht(target: Uint8Array): Promise<void> {
    try {
      const found = await this.#options.dht?.mutableGet?.(target, { latest: true })
      if (found) this.#take(found.value, target)
    } catch {
      // A network that is not there knows nothing.
    }
  }

  /** Whoever passed it on has not signed it: what is wrong with it is no more than nothing. */
  #take(bytes: Uint8Array, target: Uint8Array): void {
    if (bytes.length === 0) return
    try {
      this.#shelf.hear(bytes, target)
    } catch {
      return
    }
    const record = this.#shelf.get(target)
    if (record?.set) this.#learn(record)
  }

  #learn({ set }: DeviceRecord): void {
    for (const { owner } of this.#options.owners) {
      let opened: ReplicaSet
      try {
        opened = ReplicaSet.open(set ?? new Uint8Array(0), owner)
      } catch {
        // It is another owner's.
        continue
      }
      if (this.use(opened)) this.#options.onset(opened)
    }
  }
}
