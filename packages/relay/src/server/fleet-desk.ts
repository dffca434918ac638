import b4a from 'b4a'
import type { RelayPolicy } from '../policy/relay-policy.ts'
import type { ControlMessage } from '../protocol/control.ts'
import { type Refusal, refusal } from '../protocol/refusal.ts'
import { FleetMember } from '../replicas/fleet-member.ts'
import type { FleetOptions } from '../replicas/fleet-options.ts'
import type { Heartbeat } from '../replicas/heartbeat.ts'
import { MAX_CARRIED_BYTES } from '../replicas/replica-set.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import type { KeyPair } from '../types.ts'
import type { DeviceConnection } from './device-connection.ts'

/** What a {@link FleetDesk} needs of its relay. */
export interface FleetDeskOptions {
  readonly keyPair: KeyPair
  readonly policy: RelayPolicy
  readonly maxConnections: number
  readonly now: () => number
  /** Devices that are registered. */
  readonly parked: () => Iterable<DeviceConnection>
  /** Whether it was registered just now, and comes back. */
  readonly isBack: (device: Uint8Array) => boolean
}

/** To look what is new costs a tenth of a millisecond where there are 64 replicas. */
const TELL_MS = 250

/** Where devices and the owner's other relays hear how the replicas are, and newcomers are sent on. */
export class FleetDesk {
  readonly member: FleetMember
  readonly #options: FleetDeskOptions
  readonly #watchers = new Set<DeviceConnection>()
  /** Which beats each has heard, and after which it has heard that others were missed. */
  readonly #told = new WeakMap<DeviceConnection, WeakSet<Uint8Array | Heartbeat>>()
  /** When each is told again what is new. */
  readonly #dueAt = new WeakMap<DeviceConnection, number>()
  #draining = false

  /** @throws as {@link FleetMember} */
  constructor(fleet: FleetOptions, options: FleetDeskOptions) {
    this.#options = options
    const { keyPair, policy, maxConnections, now } = options
    this.member = new FleetMember(fleet, {
      keyPair,
      now,
      connections: () => policy.connections,
      maxConnections,
      admit: (key) => policy.watch(key),
      dismiss: (key) => this.#dismiss(key),
      tellSet: () => {
        for (const one of [...options.parked(), ...this.#watchers]) this.#tellSet(one)
      },
      tell: (record, isOwn) => {
        for (const one of [...options.parked(), ...(isOwn ? this.#watchers : [])]) this.#tellBeat(one, record)
      },
      tellMissing: (last) => {
        for (const one of options.parked()) this.#tellMissing(one, last)
      }
    })
  }

  /** How the others are. */
  get statuses(): ReplicaStatus[] {
    const self = this.#options.keyPair.publicKey
    return this.member.view.statuses().filter(({ key }) => key.some((byte, i) => byte !== self[i]))
  }

  drain(): void {
    this.#draining = true
    this.member.drain()
  }

  /** Another replica has come to listen. */
  watch(connection: DeviceConnection): void {
    this.#watchers.add(connection)
    this.tellBeats(connection)
    if (connection.lease !== null) this.member.watchedBy(connection.lease.device)
  }

  /** Another replica has said which set is the newest. */
  learn(connection: DeviceConnection, record: Uint8Array): void {
    if (!this.member.learn(record)) connection.refuse(refusal('RELAY_PROTOCOL'))
  }

  forget(connection: DeviceConnection): void {
    this.#watchers.delete(connection)
  }

  /** It has shown that it is there. A device that does so all the time hears four times a second what is new. */
  onping(connection: DeviceConnection): void {
    const now = this.#options.now()
    if (connection.role === 'parked' && now < (this.#dueAt.get(connection) ?? now)) return
    this.#dueAt.set(connection, now + TELL_MS)
    this.tellBeats(connection)
  }

  /** Replicas hear each of the others from itself; devices hear all from this one. */
  tellBeats(connection: DeviceConnection): void {
    this.#tellSet(connection)
    if (connection.role === 'watching') return this.#tellBeat(connection, this.member.beat)
    for (const record of this.member.beats()) this.#tellBeat(connection, record)
    for (const last of this.member.missing()) this.#tellMissing(connection, last)
  }

  /** Each beat once: who does not read hears it with the answer to a later ping. */
  #tellBeat(connection: DeviceConnection, record: Uint8Array): void {
    this.#tellOnce(connection, record, { type: 'beat', record })
  }

  #tellMissing(connection: DeviceConnection, last: Heartbeat): void {
    const { replica, epoch, seq } = last
    this.#tellOnce(connection, last, { type: 'missing', replica, epoch, seq })
  }

  #tellOnce(connection: DeviceConnection, what: Uint8Array | Heartbeat, message: ControlMessage): void {
    const told = this.#told.get(connection) ?? new WeakSet()
    this.#told.set(connection, told)
    if (!told.has(what) && connection.tell(message)) told.add(what)
  }

  #dismiss(key: Uint8Array): void {
    this.#options.policy.unwatch(key)
    for (const one of this.#watchers)
      if (one.lease !== null && b4a.equals(one.lease.device, key)) one.refuse(refusal('RELAY_DENIED'))
  }

  /** A set that is too long for a control message is brought by the app. */
  #tellSet(connection: DeviceConnection): void {
    const { set } = this.member.view
    if (set === null || set.seq <= connection.setSeq || set.bytes.length > MAX_CARRIED_BYTES) return
    if (connection.tell({ type: 'set', record: set.bytes })) connection.setSeq = set.seq
  }

  /** Why a device is not served here; `null` to serve it. */
  closedTo(device: Uint8Array, wish: ControlMessage, retryAfterMs: number): Refusal | null {
    if (wish.type === 'watch') return this.member.has(device) ? null : refusal('RELAY_NO_SCOPE')
    // Who is registered here can be reached here until it has left, and comes back when somebody has reached it.
    if (wish.type !== 'register' || this.#options.isBack(device)) return null
    const redirect = wish.insists ? null : this.member.redirect()
    if (redirect !== null) return refusal('RELAY_REDIRECT', { redirect })
    return this.#draining ? refusal('RELAY_DRAINING', { retryAfterMs }) : null
  }
}
