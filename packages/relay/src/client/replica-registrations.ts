import type { RelayAddress } from '../addresses/relay-address.ts'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import type { Refusal } from '../protocol/refusal.ts'
import { RedirectTrail } from '../replicas/redirect.ts'
import { ReplicaSet } from '../replicas/replica-set.ts'
import type { ReplicaStatus, ReplicaView } from '../replicas/replica-view.ts'
import type { KeyPair } from '../types.ts'
import { KnownReplicas } from './known-replicas.ts'
import type { ClientTimes } from './options.ts'
import { Registration } from './registration.ts'
import type { RegistrationsEvents } from './fixed-registrations.ts'
import type { ReplicasOptions } from './replica-options.ts'
import { ReplicaMoves } from './replica-moves.ts'
import { ReplicaSlots, type Slot } from './replica-slots.ts'

/** What {@link ReplicaRegistrations} tell. */
export interface ReplicaRegistrationsEvents extends RegistrationsEvents {
  /** There is a newer set. */
  onset(): void
}

const REGISTRATIONS = 2

/**
 * Keeps this device registered at some of its owner's replicas, chosen by load: follows redirects within the signed set, moves away from one that drains
 * without ever being nowhere, and leaves a dead one by itself.
 */
export class ReplicaRegistrations {
  readonly #options: ReplicasOptions
  readonly #keyPair: KeyPair
  readonly #times: ClientTimes
  readonly #events: ReplicaRegistrationsEvents
  readonly #known: KnownReplicas
  readonly #slots = new ReplicaSlots()
  readonly #registrations: number
  readonly #moves: ReplicaMoves
  #timer: unknown = null
  #closed = true

  /** @throws RelayError `RELAY_BAD_ARGUMENT`, and what {@link ReplicaSet.open} throws */
  constructor(
    options: ReplicasOptions,
    keyPair: KeyPair,
    times: ClientTimes,
    events: ReplicaRegistrationsEvents
  ) {
    const { registrations = REGISTRATIONS } = options
    if (!Number.isSafeInteger(registrations) || registrations < 1)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a device is registered at one replica or more')
    this.#options = options
    this.#keyPair = keyPair
    this.#times = times
    this.#events = events
    this.#known = new KnownReplicas(options, () => this.#hearingMs())
    this.#registrations = registrations
    this.#moves = new ReplicaMoves({
      known: this.#known,
      slots: this.#slots,
      registrations,
      attemptMs: times.attemptMs,
      begin: (key) => this.#try(key, new RedirectTrail(this.#view, key)),
      fill: () => this.#fill(),
      onleft: ({ key }) => events.onunregistered(key, movedAway('this device has moved to another replica'))
    })
  }

  /** Also again after `close()`. */
  start(): void {
    this.#closed = false
    this.#fill()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const slot of this.#slots) this.#slots.end(slot)
  }

  /** Those that could not be reached on another network may be here. */
  networkChanged(): void {
    this.#view.forgive()
    for (const registration of this.registrations) registration.networkChanged()
    this.#fill()
  }

  /** Where this device can be reached now. */
  get registeredAt(): Uint8Array[] {
    return this.#slots.all
      .filter(({ registration }) => registration?.registered ?? false)
      .map(({ key }) => key)
  }

  get registrations(): Registration[] {
    return this.#slots.registrations
  }

  /** How the replicas are, as far as this device knows. */
  get statuses(): ReplicaStatus[] {
    return this.#view.statuses()
  }

  /** The newest set. */
  get set(): ReplicaSet | null {
    return this.#view.set
  }

  /**
   * All of them, as a device that is looked for may be at any.
   *
   * @param first - keys of those where it says it is; then come those that are most likely there
   */
  relays(first: readonly Uint8Array[]): RelayAddress[] {
    return this.#known.addresses(first)
  }

  /**
   * Takes another set; one that is older changes nothing. Who is no longer in it is left.
   *
   * @throws what {@link ReplicaSet.open} throws
   */
  use(bytes: Uint8Array): void {
    this.#use(ReplicaSet.open(bytes, this.#view.owner))
  }

  #use(set: ReplicaSet): void {
    if (!this.#view.use(set)) return
    for (const slot of this.#slots) {
      if (set.find(slot.key) !== null) continue
      this.#slots.end(slot)
      this.#events.onunregistered(slot.key, movedAway('the owner has taken it out of the replica set'))
    }
    this.#events.onset()
    this.#fill()
    // The app's, which may throw.
    this.#options.onset?.(set.bytes)
  }

  #fill(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    while (this.#slots.staying.length < this.#registrations) {
      const key = this.#known.choose(this.#slots.keys)
      if (key === null) break
      this.#try(key, new RedirectTrail(this.#view, key))
    }
    const pause = this.#view.nextRetry() - monotonic()
    if (this.#slots.staying.length < this.#registrations && pause < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#fill(), Math.max(1, pause))
  }

  #try(key: Uint8Array, trail: RedirectTrail, insists = false): void {
    const address = this.#known.address(key)
    if (address === null || this.#slots.has(key)) return
    const slot = this.#slots.add(key, trail, insists)
    slot.registration = new Registration(
      address,
      this.#keyPair,
      this.#times,
      {
        onregistered: () => this.#onregistered(slot),
        onunregistered: (error, refusal) => this.#onunregistered(slot, error, refusal),
        onincoming: (path) => this.#events.onincoming(path),
        onset: (record) => this.#onset(record),
        onfound: (target, record) => this.#events.onfound(key, target, record),
        ondraining: () => this.#moves.leave(slot),
        onbeat: (record) => this.#onbeat(slot, record),
        onpong: () => this.#moves.answered(slot),
        onmissing: (last) => this.#moves.doubt(last)
      },
      { insists, setSeq: () => this.#view.set?.seq ?? 0 }
    )
  }

  #onregistered(slot: Slot): void {
    this.#view.reached(slot.key)
    if (slot.stage === 'trying') slot.stage = 'here'
    this.#events.onregistered(slot.key)
    this.#moves.arrived()
  }

  #onunregistered(slot: Slot, error: RelayError, refusal: Refusal | null): void {
    const { stage } = slot
    this.#slots.end(slot)
    this.#events.onunregistered(slot.key, error)
    if (stage === 'leaving' || this.#closed) return
    const redirect = refusal?.code === 'RELAY_REDIRECT' ? refusal.redirect : null
    if (redirect === null || !this.#follow(slot, redirect)) {
      this.#view.failed(slot.key, error.retryAfterMs)
      if (stage === 'trying') this.#slots.stay()
    }
    this.#fill()
  }

  /** @returns whether somebody is asked in its place */
  #follow({ key, trail, insists }: Slot, target: Uint8Array): boolean {
    try {
      const { key: next } = trail.follow(target)
      if (this.#slots.has(next)) return false
      this.#try(next, trail)
    } catch (error) {
      this.#events.onunregistered(key, error as RelayError)
      if (insists) return false
      this.#try(key, trail, true)
    }
    return true
  }

  #onbeat(slot: Slot, record: Uint8Array): void {
    try {
      if (this.#view.take(record) === null) return
    } catch {
      // Its own connection is sealed: nobody else has made that up.
      this.#view.failed(slot.key)
      this.#slots.end(slot)
      this.#events.onunregistered(slot.key, new RelayError('RELAY_PROTOCOL', 'a beat is not as it must be'))
      return this.#fill()
    }
    this.#fill()
  }

  #onset(record: Uint8Array): void {
    let set: ReplicaSet
    try {
      set = ReplicaSet.open(record, this.#view.owner)
    } catch {
      // It is not the owner's, or of a later version: what is known still holds.
      return
    }
    this.#use(set)
  }

  get #view(): ReplicaView {
    return this.#known.view
  }

  #hearingMs(): number {
    const paces = this.registrations.map(({ keepAliveMs }) => keepAliveMs)
    return Math.max(this.#times.keepAliveMs, ...paces)
  }
}

function movedAway(words: string): RelayError {
  return new RelayError('RELAY_REDIRECT', words)
}
