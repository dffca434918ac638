import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import type { Path } from '../paths/path.ts'
import type { Refusal } from '../protocol/refusal.ts'
import { pickReplica } from '../replicas/pick-replica.ts'
import { RedirectTrail } from '../replicas/redirect.ts'
import { replicaAddress } from '../replicas/replica-address.ts'
import { ReplicaSet } from '../replicas/replica-set.ts'
import { type ReplicaState, type ReplicaStatus, ReplicaView } from '../replicas/replica-view.ts'
import type { KeyPair } from '../types.ts'
import type { ClientTimes, RelayAddress } from './options.ts'
import { Registration } from './registration.ts'
import type { ReplicasOptions } from './replica-options.ts'

/** What {@link ReplicaRegistrations} tell. */
export interface ReplicaRegistrationsEvents {
  onregistered(relay: Uint8Array): void
  onunregistered(relay: Uint8Array, error: RelayError): void
  onincoming(path: Path): void
  onfound(target: Uint8Array, record: Uint8Array): void
  /** There is a newer set. */
  onset(): void
}

/**
 * A registration: `trying` – on the way; `here` – it stands; `moving` – it stands until there is another in its place;
 * `leaving` – there is, and only who has set out already still comes this way.
 */
type Stage = 'trying' | 'here' | 'moving' | 'leaving'

interface Slot {
  readonly key: Uint8Array
  readonly trail: RedirectTrail
  readonly insists: boolean
  registration: Registration | null
  stage: Stage
  timer: unknown
}

const REGISTRATIONS = 2
/** Which relays are tried first by whoever looks for a device. */
const ORDER: readonly ReplicaState[] = ['alive', 'unheard', 'draining', 'dead', 'failed']

/**
 * Keeps this device registered at some of its owner's replicas, chosen by load: follows redirects within the signed set, moves away from one that drains
 * without ever being nowhere, and leaves a dead one by itself.
 */
export class ReplicaRegistrations {
  readonly #options: ReplicasOptions
  readonly #keyPair: KeyPair
  readonly #times: ClientTimes
  readonly #events: ReplicaRegistrationsEvents
  readonly #view: ReplicaView
  readonly #slots = new Map<string, Slot>()
  #timer: unknown = null
  #closed = false

  /** @throws RelayError `RELAY_BAD_ARGUMENT`, and what {@link ReplicaSet.open} throws */
  constructor(
    options: ReplicasOptions,
    keyPair: KeyPair,
    times: ClientTimes,
    events: ReplicaRegistrationsEvents
  ) {
    const { owner, set, registrations = REGISTRATIONS, grant } = options
    if (!Number.isSafeInteger(registrations) || registrations < 1)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a device is registered at one replica or more')
    if (grant !== undefined && !(grant instanceof Uint8Array))
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a grant is the bytes that createGrant gave')
    this.#options = options
    this.#keyPair = keyPair
    this.#times = times
    this.#events = events
    this.#view = new ReplicaView(owner, { now: monotonic, hearingMs: () => this.#hearingMs() })
    this.#view.use(ReplicaSet.open(set, owner))
    if (this.relays([]).length === 0)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'no replica has an address that this platform can reach')
  }

  /** Also again after `close()`. */
  start(): void {
    this.#closed = false
    this.#fill()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const slot of this.#slots.values()) this.#end(slot)
  }

  /** Where this device can be reached now. */
  get registeredAt(): Uint8Array[] {
    return [...this.#slots.values()]
      .filter(({ registration }) => registration?.registered ?? false)
      .map(({ key }) => key)
  }

  get registrations(): Registration[] {
    return [...this.#slots.values()].flatMap(({ registration }) =>
      registration === null ? [] : [registration]
    )
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
    const rank = ({ key, state, load }: ReplicaStatus): number =>
      first.some((one) => b4a.equals(one, key)) ? -1 : ORDER.indexOf(state) * 1_000 + load
    return this.#view
      .statuses()
      .sort((a, b) => rank(a) - rank(b))
      .flatMap((status) => this.#addressOf(status) ?? [])
  }

  /**
   * Takes another set; one that is older changes nothing. Who is no longer in it is left.
   *
   * @throws what {@link ReplicaSet.open} throws
   */
  use(bytes: Uint8Array): void {
    const set = ReplicaSet.open(bytes, this.#view.owner)
    if (!this.#view.use(set) || this.#closed) return
    for (const slot of this.#slots.values()) {
      if (set.find(slot.key) !== null) continue
      this.#end(slot)
      this.#events.onunregistered(slot.key, movedAway('the owner has taken it out of the replica set'))
    }
    this.#options.onset?.(set.bytes)
    this.#events.onset()
    this.#fill()
  }

  #fill(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    const { registrations = REGISTRATIONS } = this.#options
    while (this.#staying().length < registrations) {
      const key = this.#choose()
      if (key === null) break
      this.#try(key, new RedirectTrail(this.#view, key))
    }
    const pause = this.#view.nextRetry() - monotonic()
    if (this.#staying().length < registrations && pause < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#fill(), Math.max(1, pause))
  }

  /** Somewhere else than all that are there, or are being tried. */
  #choose(): Uint8Array | null {
    const free = this.#view.statuses().filter((status) => this.#mayTry(status))
    return pickReplica(free, { exclude: [...this.#slots.values()].map(({ key }) => key) })
  }

  #mayTry(status: ReplicaStatus): boolean {
    if (status.state === 'failed' || this.#addressOf(status) === null) return false
    // Who drains sends one on; it is asked only by who knows nobody else.
    return status.state !== 'draining' || this.#slots.size === 0
  }

  #try(key: Uint8Array, trail: RedirectTrail, insists = false): void {
    const replica = this.#view.set?.find(key) ?? null
    const address = replica === null ? null : this.#addressOf(replica)
    if (address === null || this.#slots.has(nameOf(key))) return
    const slot: Slot = { key, trail, insists, registration: null, stage: 'trying', timer: null }
    this.#slots.set(nameOf(key), slot)
    slot.registration = new Registration(
      address,
      this.#keyPair,
      this.#times,
      {
        onregistered: () => this.#onregistered(slot),
        onunregistered: (error, refusal) => this.#onunregistered(slot, error, refusal),
        onincoming: (path) => this.#events.onincoming(path),
        onset: (record) => this.#onset(record),
        onfound: (target, record) => this.#events.onfound(target, record),
        ondraining: () => this.#move(slot),
        onbeat: (record) => this.#onbeat(slot, record)
      },
      { insists, setSeq: () => this.#view.set?.seq ?? 0 }
    )
  }

  #onregistered(slot: Slot): void {
    this.#view.reached(slot.key)
    if (slot.stage === 'trying') slot.stage = 'here'
    this.#events.onregistered(slot.key)
    this.#leaveMoved()
  }

  #onunregistered(slot: Slot, error: RelayError, refusal: Refusal | null): void {
    const { stage } = slot
    this.#end(slot)
    this.#events.onunregistered(slot.key, error)
    if (stage === 'leaving' || this.#closed) return
    const redirect = refusal?.code === 'RELAY_REDIRECT' ? refusal.redirect : null
    if (redirect === null || !this.#follow(slot, redirect)) this.#view.failed(slot.key, error.retryAfterMs)
    this.#fill()
  }

  /** @returns whether somebody is asked in its place */
  #follow({ key, trail, insists }: Slot, target: Uint8Array): boolean {
    try {
      const { key: next } = trail.follow(target)
      if (this.#slots.has(nameOf(next))) return false
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
      this.#end(slot)
      this.#events.onunregistered(slot.key, new RelayError('RELAY_PROTOCOL', 'a beat is not as it must be'))
      return this.#fill()
    }
    this.#balance(slot)
    this.#fill()
  }

  #onset(record: Uint8Array): void {
    try {
      this.use(record)
    } catch {
      // It is not the owner's, or of a later version: what is known still holds.
    }
  }

  /** Moves when another one would do clearly better: one at a time. */
  #balance(slot: Slot): void {
    const slots = [...this.#slots.values()]
    if (slots.some(({ stage }) => stage !== 'here')) return
    // One that drains asks its devices in turn: all at once would be a herd.
    if (this.#view.status(slot.key)?.state !== 'alive') return
    const exclude = slots.filter((other) => other !== slot).map(({ key }) => key)
    const free = this.#view.statuses().filter((status) => status.key === slot.key || this.#mayTry(status))
    const better = pickReplica(free, { current: slot.key, exclude })
    if (better === null || b4a.equals(better, slot.key)) return
    slot.stage = 'moving'
    this.#try(better, new RedirectTrail(this.#view, better))
  }

  #move(slot: Slot): void {
    if (slot.stage !== 'here') return
    slot.stage = 'moving'
    this.#fill()
    this.#leaveMoved()
  }

  /** Once there are as many elsewhere as there should or can be, what was to be left is left: a moment later, for those who are on their way. */
  #leaveMoved(): void {
    const { registrations = REGISTRATIONS } = this.#options
    const staying = this.#staying()
    if (staying.length === 0 || staying.some(({ stage }) => stage === 'trying')) return
    if (staying.length < registrations && this.#choose() !== null) return
    for (const slot of this.#slots.values()) {
      if (slot.stage !== 'moving') continue
      slot.stage = 'leaving'
      slot.timer = setTimeout(() => {
        this.#end(slot)
        this.#events.onunregistered(slot.key, movedAway('this device has moved to another replica'))
      }, this.#times.attemptMs)
    }
  }

  #end(slot: Slot): void {
    clearTimeout(slot.timer)
    slot.registration?.close()
    if (this.#slots.get(nameOf(slot.key)) === slot) this.#slots.delete(nameOf(slot.key))
  }

  #staying(): Slot[] {
    return [...this.#slots.values()].filter(({ stage }) => stage === 'trying' || stage === 'here')
  }

  #addressOf(replica: {
    readonly key: Uint8Array
    readonly addresses: readonly string[]
  }): RelayAddress | null {
    return replicaAddress(replica, this.#options.grant ?? null)
  }

  #hearingMs(): number {
    const paces = this.registrations.map(({ keepAliveMs }) => keepAliveMs)
    return Math.max(this.#times.keepAliveMs, ...paces)
  }
}

function movedAway(words: string): RelayError {
  return new RelayError('RELAY_REDIRECT', words)
}

function nameOf(key: Uint8Array): string {
  return b4a.toString(key, 'hex')
}
