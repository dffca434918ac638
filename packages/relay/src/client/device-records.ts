import { nameOf } from '../keys.ts'
import { RecordFinder } from '../records/record-finder.ts'
import { RecordPublisher } from '../records/record-publisher.ts'
import type { ReplicaSet } from '../replicas/replica-set.ts'
import type { KeyPair } from '../types.ts'
import type { DhtLike } from '../dht.ts'
import { findByRecord } from './find-by-record.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { ClientTimes } from './options.ts'
import type { Attempt } from './race.ts'
import type { Registration } from './registration.ts'
import type { TrustedOwner } from '../records/trusted-owner.ts'
import type { Publishing } from './replica-options.ts'

/** What {@link DeviceRecords} are made with. */
export interface DeviceRecordsOptions {
  readonly keyPair: KeyPair
  readonly times: ClientTimes
  readonly dht: DhtLike | null
  readonly publishing: Publishing
  /** Own replicas included. */
  readonly owners: readonly TrustedOwner[]
  readonly registrations: () => readonly Registration[]
  /** The newest set of one's own replicas. */
  readonly set: () => ReplicaSet | null
  /** A set that is newer than what was known of its owner. */
  readonly onset: (set: ReplicaSet) => void
}

/** How long a record holds. The DHT's nodes keep one for longer, and take it again. */
const LIFE_MS = 3_600_000

/** The records of a client: it publishes its own, and looks up those of others. */
export class DeviceRecords {
  readonly #options: DeviceRecordsOptions
  readonly #finder: RecordFinder
  readonly #publisher: RecordPublisher | null
  /** Who waits for answers, by target. */
  readonly #asking = new Map<string, Set<(relay: Uint8Array, record: Uint8Array) => void>>()

  constructor(options: DeviceRecordsOptions) {
    this.#options = options
    const { keyPair, times, dht, owners, publishing, onset } = options
    this.#finder = new RecordFinder({
      owners,
      now: Date.now,
      askMs: times.staggerMs,
      ask: (target, onrecord) => this.#ask(target, onrecord),
      dht,
      onset
    })
    const own = {
      keyPair,
      now: Date.now,
      lifeMs: LIFE_MS,
      pauseMs: times.retryMs,
      places: () =>
        this.#registered().map((one) => ({
          relay: one.address.publicKey,
          publish: (record: Uint8Array) => one.publish(record)
        })),
      set: () => options.set()?.bytes ?? null,
      dht: publishing === 'everywhere' ? dht : null
    }
    this.#publisher = publishing === 'nowhere' ? null : new RecordPublisher(own)
    const set = options.set()
    if (set !== null) this.#finder.use(set)
  }

  /** Whether anybody is trusted whose relays a record could name. */
  get findsAny(): boolean {
    return this.#options.owners.length > 0
  }

  /** One's own set has changed. */
  useSet(): void {
    const set = this.#options.set()
    if (set === null) return
    this.#finder.use(set)
    this.#publisher?.changed()
  }

  onregistered(): void {
    this.#publisher?.changed()
  }

  onunregistered(relay: Uint8Array): void {
    this.#publisher?.lost(relay)
  }

  onfound(relay: Uint8Array, target: Uint8Array, record: Uint8Array): void {
    for (const onanswer of this.#asking.get(nameOf(target)) ?? []) onanswer(relay, record)
  }

  /** Relays where a device says it is, as far as is known without asking. */
  known(target: Uint8Array): readonly Uint8Array[] {
    return this.#finder.known(target)
  }

  /** A way to a device: through the relays that its record names, and that are not tried anyway. */
  way<T>(
    target: Uint8Array,
    tried: readonly RelayAddress[],
    attempt: (address: RelayAddress) => Attempt<T>
  ): Attempt<T> {
    return findByRecord(this.#finder, target, tried, attempt, this.#options.times)
  }

  close(): void {
    this.#publisher?.close()
  }

  #registered(): Registration[] {
    return this.#options.registrations().filter(({ registered }) => registered)
  }

  #ask(target: Uint8Array, onrecord: (record: Uint8Array) => void): { readonly asked: number; stop(): void } {
    const name = nameOf(target)
    const asked = this.#registered()
    const left = new Set(asked.map(({ address }) => nameOf(address.publicKey)))
    const count = left.size
    // A relay that answers twice, or was asked twice, does not speak for another one.
    const onanswer = (relay: Uint8Array, record: Uint8Array): void => {
      if (left.delete(nameOf(relay))) onrecord(record)
    }
    const waiting = this.#asking.get(name) ?? new Set()
    this.#asking.set(name, waiting.add(onanswer))
    for (const registration of asked) registration.lookup(target)
    return {
      asked: count,
      stop: () => {
        waiting.delete(onanswer)
        if (waiting.size === 0 && this.#asking.get(name) === waiting) this.#asking.delete(name)
      }
    }
  }
}
