import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import type { KeyPair } from '../types.ts'
import { ByteRate } from './byte-rate.ts'
import { Heartbeat, HeartbeatSource } from './heartbeat.ts'
import { loadOf } from './load.ts'
import { redirectTarget } from './redirect.ts'
import { replicaAddress } from './replica-address.ts'
import { ReplicaSet } from './replica-set.ts'
import { ReplicaView } from './replica-view.ts'
import { ReplicaWatch } from './replica-watch.ts'

/** A relay as one of several of its owner. */
export interface FleetOptions {
  /** 32 bytes: who signs the set. */
  readonly owner: Uint8Array
  /** Bytes of a {@link ReplicaSet} that names this relay; kept, and brought by the app. */
  readonly set: Uint8Array
  /** Higher than in every earlier life of this relay. @defaultValue milliseconds since 1970 */
  readonly epoch?: number
  /** A newer set has come from one of the others: an app that keeps it has it at the next start. @defaultValue it is learned anew then */
  readonly onset?: (set: Uint8Array) => void
  /** How often the others are asked for a beat, and this one's load is measured; three that are missed are a death. @defaultValue 1,000 */
  readonly intervalMs?: number
  /** What this relay can bear: what makes its load. A relay redirects from 0.9 of it on, and still serves who is nowhere else wanted. */
  readonly capacity?: {
    /** Connections of devices at once. @defaultValue `limits.totalConnections` */
    readonly connections?: number
    /** @defaultValue not counted */
    readonly bytesPerSecond?: number
  }
}

/** What a {@link FleetMember} asks of its relay. */
export interface FleetHost {
  readonly keyPair: KeyPair
  /** Milliseconds. */
  now(): number
  connections(): number
  readonly maxConnections: number
  /** Another replica of the owner's, which may watch this one, and no more. */
  admit(key: Uint8Array): void
  /** It is no longer one. */
  dismiss(key: Uint8Array): void
  /** Passes a beat on to the devices that are registered, and to who watches where it is this relay's own. */
  tell(record: Uint8Array, isOwn: boolean): void
  /** There is a newer set. */
  tellSet(): void
}

/** A load that differs by so much is news. */
const NEWS = 0.1

/** Makes the beats of one relay, listens to those of the others, and decides who is sent on. It owns its connections to the others. */
export class FleetMember {
  readonly view: ReplicaView
  readonly #options: FleetOptions
  readonly #host: FleetHost
  readonly #source: HeartbeatSource
  readonly #rate: ByteRate
  readonly #watches = new Map<string, ReplicaWatch>()
  /** What the devices were told last, by replica. */
  readonly #told = new Map<string, Heartbeat>()
  #own: Heartbeat
  #bytesPerSecond = 0
  #draining = false
  #timer: unknown = null

  /** @throws RelayError `RELAY_BAD_ARGUMENT` also when the set does not name this relay, and what {@link ReplicaSet.open} throws */
  constructor(options: FleetOptions, host: FleetHost) {
    const { owner, set, epoch, intervalMs } = options
    this.#options = options
    this.#host = host
    this.#source = new HeartbeatSource(owner, host.keyPair, {
      ...(epoch === undefined ? {} : { epoch }),
      ...(intervalMs === undefined ? {} : { intervalMs })
    })
    // The others' beats are asked for at this one's pace.
    const hearingMs = (): number => this.#source.intervalMs
    this.view = new ReplicaView(owner, { now: () => host.now(), hearingMs })
    this.#rate = new ByteRate(host.now())
    this.use(set)
    this.#own = this.#nextBeat()
  }

  /** Bytes were carried. */
  carried(bytes: number): void {
    this.#rate.add(bytes)
  }

  /** Begins to listen to the others. */
  start(): void {
    // Who comes from now on hears it at once: it is what later ones are compared with.
    this.#told.set(nameOf(this.#own.replica), this.#own)
    this.#watchAll()
    this.#timer = setInterval(() => this.#tick(), this.#source.intervalMs)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = null
    for (const watch of this.#watches.values()) watch.close()
    this.#watches.clear()
  }

  /**
   * Takes another set of the owner's; one that is older changes nothing.
   *
   * @returns whether it is now the one that counts
   * @throws as the constructor
   */
  use(bytes: Uint8Array): boolean {
    const set = ReplicaSet.open(bytes, this.view.owner)
    const { publicKey } = this.#host.keyPair
    if (set.find(publicKey) === null)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'the replica set does not name this relay')
    const before = this.view.set
    if (!this.view.use(set)) return false
    for (const { key } of before?.replicas ?? []) if (set.find(key) === null) this.#dismiss(key)
    for (const { key } of set.replicas) if (!b4a.equals(key, publicKey)) this.#host.admit(key)
    if (this.#timer === null) return true
    this.#watchAll()
    this.#host.tellSet()
    return true
  }

  /** Tells all that it is about to stop; from now on everybody new is sent on. */
  drain(): void {
    this.#draining = true
    this.#say()
  }

  /** Another relay has come to watch: it is there, so that there is no need to wait before it is watched. */
  watchedBy(key: Uint8Array): void {
    this.#watches.get(nameOf(key))?.hurry()
  }

  /** Whether it is one of the owner's. */
  has(key: Uint8Array): boolean {
    return this.view.set?.find(key) !== null
  }

  /** The newest beat of this relay. */
  get beat(): Uint8Array {
    return this.#own.bytes
  }

  /** Newest beats of this relay and, of the others, of those that are alive. */
  beats(): Uint8Array[] {
    const living = this.view.statuses().filter(({ state }) => state === 'alive' || state === 'draining')
    const others = living.map(({ key }) => this.view.beat(key)?.bytes ?? null)
    return [this.beat, ...others.filter((bytes) => bytes !== null)]
  }

  /** Where somebody new is sent; `null` to serve it, or where nobody else would do better. */
  redirect(): Uint8Array | null {
    const { publicKey: self } = this.#host.keyPair
    return redirectTarget(this.view.statuses(), { self, load: this.#load(), draining: this.#draining })
  }

  #tick(): void {
    const before = this.#own
    this.#bytesPerSecond = this.#rate.sample(this.#host.now())
    const next = this.#nextBeat()
    if (Math.abs(next.load - (this.#told.get(nameOf(before.replica)) ?? before).load) >= NEWS) this.#say(next)
    else this.#own = next
  }

  #say(beat: Heartbeat = this.#nextBeat()): void {
    this.#own = beat
    this.#told.set(nameOf(beat.replica), beat)
    this.#host.tell(beat.bytes, true)
  }

  #load(): number {
    const { capacity = {} } = this.#options
    const { connections = this.#host.maxConnections, bytesPerSecond = Number.POSITIVE_INFINITY } = capacity
    return loadOf({
      sessions: this.#host.connections(),
      maxSessions: connections,
      bytesPerSecond: this.#bytesPerSecond,
      maxBytesPerSecond: bytesPerSecond
    })
  }

  #nextBeat(): Heartbeat {
    return this.#source.next({ load: this.#load(), draining: this.#draining })
  }

  #watchAll(): void {
    const { publicKey } = this.#host.keyPair
    for (const replica of this.view.set?.replicas ?? []) {
      const [name, address] = [nameOf(replica.key), replicaAddress(replica, null)]
      if (b4a.equals(replica.key, publicKey)) continue
      if (this.#watches.get(name)?.isAt(address) === false) this.#unwatch(name)
      if (address === null || this.#watches.has(name)) continue
      const watch = new ReplicaWatch(address, this.#host.keyPair, this.#source.intervalMs, {
        onbeat: (record) => this.#hear(record),
        onset: (record) => this.#learn(record),
        setSeq: () => this.view.set?.seq ?? 0,
        onreached: () => this.view.reached(replica.key),
        onlost: () => this.view.failed(replica.key)
      })
      this.#watches.set(name, watch)
    }
  }

  #unwatch(name: string): void {
    this.#watches.get(name)?.close()
    this.#watches.delete(name)
  }

  #dismiss(key: Uint8Array): void {
    this.#unwatch(nameOf(key))
    this.#told.delete(nameOf(key))
    this.#host.dismiss(key)
  }

  #learn(record: Uint8Array): void {
    try {
      if (!this.use(record)) return
    } catch {
      // It is not the owner's, of a later version, or without this relay: what is known still holds.
      return
    }
    this.#options.onset?.(record)
  }

  #hear(record: Uint8Array): void {
    let beat: Heartbeat | null = null
    try {
      beat = this.view.take(record)
    } catch {
      // Another replica's word on itself does this one no harm.
    }
    if (beat === null) return
    const told = this.#told.get(nameOf(beat.replica))
    const isNews =
      told === undefined ||
      told.epoch !== beat.epoch ||
      told.draining !== beat.draining ||
      Math.abs(told.load - beat.load) >= NEWS
    if (!isNews) return
    this.#told.set(nameOf(beat.replica), beat)
    this.#host.tell(beat.bytes, false)
  }
}

function nameOf(key: Uint8Array): string {
  return b4a.toString(key, 'hex')
}
