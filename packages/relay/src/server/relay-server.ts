import ReadyResource from 'ready-resource'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import { LIMITS, RelayPolicy } from '../policy/relay-policy.ts'
import type { ControlMessage } from '../protocol/control.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import type { FleetOptions } from '../replicas/fleet-member.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import type { DhtLike } from '../udp/dht.ts'
import { UdpPlane, type UdpStats } from '../udp/udp-plane.ts'
import type { Wire } from '../wires/wire.ts'
import { answersOf } from './answers.ts'
import { type ConnectionHost, DeviceConnection } from './device-connection.ts'
import { askToLeave } from './drain.ts'
import { FleetDesk } from './fleet-desk.ts'
import { ListenerSet, type Ports } from './listener-set.ts'
import { RelayMetrics } from './metrics.ts'
import type { RelayServerOptions, TlsOptions } from './options.ts'
import { RecordDesk } from './record-desk.ts'
import { endSilent, endStalled } from './silence.ts'
import type { SpliceSide } from './splice.ts'
import { Strangers } from './strangers.ts'
import { Switchboard } from './switchboard.ts'
import { Throughput } from './throughput.ts'

const SWEEP_MS = 250

/** Facts a {@link RelayServer} tells. */
export interface RelayServerEvents {
  /** Somebody was refused. `device` is `null` before it has proven its key. */
  refused: [why: Refusal, device: Uint8Array | null, address: string]
}

/**
 * A relay of one's own: joins devices that cannot reach each other, and cannot read what they say.
 *
 * It owns its listeners and connections. It connects to no device, and to no address that one names: a destination is a key that has registered here. With `replicas` it connects to the owner's other relays.
 * `ready()` listens; `drain()` lets sessions move away; `close()` ends all.
 */
export class RelayServer extends ReadyResource {
  /** Who is served; allows and revokes at any time. */
  readonly policy: RelayPolicy
  readonly metrics: RelayMetrics
  readonly #options: RelayServerOptions
  readonly #switchboard: Switchboard
  readonly #connections = new Set<DeviceConnection>()
  readonly #strangers: Strangers
  readonly #throughput: Throughput
  /** What devices that are registered here have left. */
  readonly #records: RecordDesk
  readonly #host: ConnectionHost
  readonly #now: () => number
  readonly #listeners = new ListenerSet()
  readonly #udp: UdpPlane | null
  readonly #fleet: FleetDesk | null
  #sweeper: unknown = null
  #draining = false

  /** @throws {@link RelayError} `RELAY_BAD_ARGUMENT`, `RELAY_UNSUPPORTED_UPSTREAM` with a `dht`; `ready()` throws `RELAY_CANNOT_LISTEN` */
  constructor(options: RelayServerOptions) {
    super()
    const { keyPair, now = monotonic, reparkMs = 5_000, idleMs = 90_000, greetingMs = 5_000 } = options
    if (keyPair?.publicKey?.length !== 32 || keyPair.secretKey?.length !== 64)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a relay needs an Ed25519 key pair')
    this.#options = options
    this.#strangers = new Strangers(options.unknownConnections ?? 1_000, options.unknownPerAddress ?? 100)
    this.#now = now
    this.#throughput = new Throughput(now)
    const most = options.limits?.totalConnections ?? LIMITS.totalConnections
    this.policy = new RelayPolicy(keyPair.publicKey, options)
    this.#records = new RecordDesk({
      now: options.now ?? Date.now,
      steady: now,
      most,
      stands: (terms) => this.policy.stands(terms)
    })
    this.metrics = new RelayMetrics({
      connections: () => this.#connections.size,
      registered: () => this.#switchboard.registered,
      sessions: () => this.#switchboard.splices.size,
      heldBytes: () => this.heldBytes
    })
    this.#switchboard = new Switchboard({
      now,
      reparkMs,
      idleMs,
      onjoined: () => this.metrics.sessions.inc({ plane: 'stream' }),
      onbytes: (bytes) => this.#oncarried('stream', bytes)
    })
    this.#fleet = options.replicas ? this.#fleetDesk(options.replicas) : null
    this.#udp = options.dht ? this.#udpPlane(options.dht) : null
    this.#host = {
      keyPair,
      policy: this.policy,
      now,
      greetingMs,
      onshown: (device, grant) => this.#udp?.introduce(device, grant),
      closedTo: (device, wish) => this.#closedTo(device, wish),
      park: (connection) => {
        this.#fleet?.tellBeats(connection)
        this.#switchboard.park(connection)
      },
      watch: (connection) => this.#fleet?.watch(connection),
      onping: (connection) => this.#fleet?.tellBeats(connection),
      onrecord: (connection, message) => this.#records.serve(connection, message),
      open: (connection, target) => this.#switchboard.open(connection, target),
      onknown: (connection) => this.#strangers.delete(connection),
      onrefused: (why, connection) => this.#onrefused(why, connection),
      onleft: (connection) => this.#switchboard.leave(connection),
      onclosed: (connection) => this.#onclosed(connection)
    }
  }

  /** By which clients know it. */
  get publicKey(): Uint8Array {
    return this.#options.keyPair.publicKey
  }

  /** Ports of the listeners there are, once open. */
  get ports(): Ports {
    return this.#listeners.ports
  }

  /** Open connections, of devices that are known and of such that are not yet. */
  get connections(): number {
    return this.#connections.size
  }

  /** Devices that can be reached here. */
  get registered(): number {
    return this.#switchboard.registered
  }

  /** Pairs of connections that are joined. */
  get sessions(): number {
    return this.#switchboard.splices.size
  }

  /** How the UDP plane is; `null` where there is none. */
  get udp(): UdpStats | null {
    return this.#udp?.stats ?? null
  }

  /** Bytes that wait in this process for slower sides, of all connections. */
  get heldBytes(): number {
    return [...this.#connections].reduce((sum, { heldBytes }) => sum + heldBytes, 0)
  }

  /** Health for a load balancer: false while it drains and after. */
  get healthy(): boolean {
    return this.opened && !this.#draining && this.closing === null
  }

  /**
   * Takes a connection that somebody else has accepted, such as a WebSocket of the app's own HTTP server.
   *
   * @param wire - is owned by the server from now on
   */
  accept(wire: Wire): void {
    if (this.closing !== null || !this.#strangers.hasRoom(wire.remoteAddress)) {
      this.#tell(refusal('RELAY_TOO_MANY'), null, wire.remoteAddress)
      return wire.destroy()
    }
    const connection = new DeviceConnection(wire, this.#host)
    this.#strangers.add(connection)
    this.#connections.add(connection)
  }

  /**
   * Lets everybody move away: registrations end at once, sessions are told, and end when their devices have moved, or after `drainMs`.
   * Nobody new is served. Over UDP nobody can be told: what is relayed there goes on until it ends, or until then. With `replicas` everybody is asked in turn over half
   * of that time, and registrations go on until their devices are at home elsewhere. Resolves when nobody is left; `close()` follows.
   */
  async drain(): Promise<void> {
    this.#draining = true
    this.#udp?.drain()
    const { drainMs = 10_000 } = this.#options
    const board = this.#switchboard
    this.#fleet?.drain()
    if (this.#fleet === null) for (const one of board.parked) one.refuse(this.#away(one))
    await askToLeave(board, {
      askMs: this.#fleet === null ? 0 : drainMs / 2,
      drainMs,
      now: this.#now,
      isOver: () => this.closing !== null,
      // Who was reached just now comes back, and is asked then.
      isBusyElsewhere: () =>
        (this.#udp?.stats.links ?? 0) > 0 || (this.#fleet !== null && board.returning > 0)
    })
    for (const one of board.parked) one.refuse(this.#away(one))
    for (const { opener, target } of board.splices)
      for (const side of [opener, target]) side.refuse(this.#away(side))
  }

  /**
   * Ends TLS with a renewed certificate from now on; nobody who is connected notices.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT` where TLS is not ended here, or for what cannot be used: the old one stays then
   */
  renewTls(tls: TlsOptions): void {
    this.#listeners.renewTls(tls)
  }

  /**
   * Takes a newer set of the owner's replicas; an older one changes nothing.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT` also without `replicas`, `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`, `RELAY_BAD_SIGNATURE`
   */
  useReplicas(set: Uint8Array): void {
    if (this.#fleet === null) throw new RelayError('RELAY_BAD_ARGUMENT', 'this relay has no replicas')
    this.#fleet.member.use(set)
  }

  /** How the owner's replicas are, as this one sees them, itself not included; empty without `replicas`. */
  get replicas(): ReplicaStatus[] {
    return this.#fleet?.statuses ?? []
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    const answers = answersOf(this, this.#throughput, this.#now)
    const onwire = (wire: Wire): void => this.accept(wire)
    const onfull = (address: string): void => this.#tell(refusal('RELAY_TOO_MANY'), null, address)
    await this.#listeners.open(this.#options, { strangers: this.#strangers, onwire, onfull, answers })
    try {
      await this.#udp?.ready()
      this.#fleet?.member.start()
    } catch (error) {
      this.#fleet?.member.close()
      await this.#listeners.close()
      throw error
    }
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
  }

  protected override async _close(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    this.#fleet?.member.close()
    const closed = this.#listeners.close()
    for (const { wire } of this.#connections) wire.destroy()
    await closed
    await this.#udp?.close()
  }

  #udpPlane(dht: DhtLike): UdpPlane {
    const { keyPair, now = monotonic } = this.#options
    return new UdpPlane(dht, this.policy, {
      keyPair,
      now,
      observer: {
        refused: (...refused) => this.#tell(...refused),
        ignored: ({ code }) => this.metrics.refusals.inc({ code }),
        paired: () => this.metrics.sessions.inc({ plane: 'udp' }),
        carried: (bytes) => this.#oncarried('udp', bytes)
      }
    })
  }

  #closedTo(device: Uint8Array, wish: ControlMessage): Refusal | null {
    // Who insists has followed enough of them.
    const isSentOn = wish.type !== 'watch' && !(wish.type === 'register' && wish.insists)
    const redirect = isSentOn ? (this.#options.redirect?.(device) ?? null) : null
    if (redirect !== null) return refusal('RELAY_REDIRECT', { redirect })
    const { drainMs: retryAfterMs = 10_000 } = this.#options
    if (this.#fleet !== null) return this.#fleet.closedTo(device, wish, retryAfterMs)
    if (wish.type === 'watch') return refusal('RELAY_NO_SCOPE')
    return this.#draining ? refusal('RELAY_DRAINING', { retryAfterMs }) : null
  }

  #fleetDesk(fleet: FleetOptions): FleetDesk {
    const { keyPair, limits = {} } = this.#options
    return new FleetDesk(fleet, {
      keyPair,
      policy: this.policy,
      maxConnections: limits.totalConnections ?? LIMITS.totalConnections,
      now: this.#now,
      parked: () => this.#switchboard.parked,
      isBack: (device) => this.#switchboard.isBack(device)
    })
  }

  #away({ lease }: SpliceSide): Refusal {
    const asked = lease === null ? null : (this.#options.redirect?.(lease.device) ?? null)
    const redirect = asked ?? this.#fleet?.member.redirect() ?? null
    return redirect === null ? refusal('RELAY_DRAINING') : refusal('RELAY_REDIRECT', { redirect })
  }

  #sweep(): void {
    const now = this.#now()
    const { stalledMs = 60_000 } = this.#options
    this.policy.sweep()
    this.#switchboard.sweep()
    this.#records.sweep()
    endSilent(this.#connections, now)
    endStalled(this.#switchboard.splices, now, stalledMs)
  }

  #oncarried(plane: 'stream' | 'udp', bytes: number): void {
    this.metrics.relayedBytes.inc({ plane }, bytes)
    this.#fleet?.member.carried(bytes)
    this.#throughput.add(bytes)
  }

  #onrefused(why: Refusal, { lease, wire }: DeviceConnection): void {
    this.#tell(why, lease?.device ?? null, wire.remoteAddress)
  }

  #tell(...refused: RelayServerEvents['refused']): void {
    this.metrics.refusals.inc({ code: refused[0].code })
    this.emit('refused', ...refused)
  }

  #onclosed(connection: DeviceConnection): void {
    this.#connections.delete(connection)
    this.#strangers.delete(connection)
    this.#fleet?.forget(connection)
    this.#switchboard.forget(connection)
  }
}
