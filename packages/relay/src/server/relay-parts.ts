import { monotonic } from '../monotonic.ts'
import { LIMITS } from '../policy/limits.ts'
import { RelayPolicy } from '../policy/relay-policy.ts'
import { refusal } from '../protocol/refusal.ts'
import type { FleetOptions } from '../replicas/fleet-options.ts'
import { UdpPlane } from '../udp/udp-plane.ts'
import type { Wire } from '../wires/wire.ts'
import { Connections } from './connections.ts'
import { FleetDesk } from './fleet-desk.ts'
import { Gate } from './gate.ts'
import type { RelayServerOptions } from './options.ts'
import { RecordDesk } from './record-desk.ts'
import { type Refused, Reports } from './reports.ts'
import { endSilent, endStalled } from './silence.ts'
import { Switchboard } from './switchboard.ts'
import { type WebSocketArrivals, WebSockets } from './web-sockets.ts'

/** What the parts of a relay ask of it. */
export interface RelayPartsHost {
  onrefused(...refused: Refused): void
  /** Whether it closes, or has: nobody is taken any more. */
  isClosed(): boolean
}

/** The parts of a relay behind its listeners, and who calls whom. */
export class RelayParts {
  readonly policy: RelayPolicy
  readonly reports: Reports
  readonly switchboard: Switchboard
  readonly connections: Connections
  readonly gate: Gate
  readonly fleet: FleetDesk | null
  readonly udp: UdpPlane | null
  readonly webSockets: WebSockets
  /** What listeners call. */
  readonly arrivals: WebSocketArrivals
  /** Milliseconds, of the clock that deadlines are by. */
  readonly now: () => number
  readonly greetingMs: number
  /** What devices that are registered here have left. */
  readonly #records: RecordDesk
  readonly #options: RelayServerOptions
  readonly #host: RelayPartsHost

  /** @throws {@link RelayError} `RELAY_BAD_ARGUMENT`, `RELAY_UNSUPPORTED_UPSTREAM` with a `dht` */
  constructor(options: RelayServerOptions, host: RelayPartsHost) {
    const { keyPair, now = monotonic, reparkMs = 5_000, idleMs = 90_000, greetingMs = 5_000 } = options
    this.#options = options
    this.#host = host
    this.now = now
    this.greetingMs = greetingMs
    const most = options.limits?.totalConnections ?? LIMITS.totalConnections
    this.policy = new RelayPolicy(keyPair.publicKey, options)
    this.#records = new RecordDesk({
      now: options.now ?? Date.now,
      steady: now,
      most,
      stands: (terms) => this.policy.stands(terms)
    })
    const readings = {
      connections: () => this.connections.size,
      registered: () => this.switchboard.registered,
      sessions: () => this.switchboard.splices.size,
      heldBytes: () => this.connections.heldBytes
    }
    this.reports = new Reports(readings, {
      now,
      onrefused: (...refused) => host.onrefused(...refused),
      oncarried: (bytes) => this.fleet?.member.carried(bytes)
    })
    this.switchboard = new Switchboard({
      now,
      reparkMs,
      idleMs,
      onjoined: () => this.reports.joined('stream'),
      onbytes: (bytes) => this.reports.carried('stream', bytes)
    })
    this.fleet = options.replicas ? this.#fleetDesk(options.replicas) : null
    this.udp = options.dht
      ? new UdpPlane(options.dht, this.policy, { keyPair, now, observer: this.reports.udp })
      : null
    this.gate = new Gate({ ...options, fleet: this.fleet })
    this.connections = new Connections(options, {
      keyPair,
      policy: this.policy,
      now,
      greetingMs,
      onshown: (device, grant) => this.udp?.introduce(device, grant),
      closedTo: (device, wish) => this.gate.closedTo(device, wish),
      park: (connection) => {
        this.fleet?.tellBeats(connection)
        this.switchboard.park(connection)
      },
      watch: (connection) => this.fleet?.watch(connection),
      onping: (connection) => this.fleet?.onping(connection),
      onset: (connection, record) => this.fleet?.learn(connection, record),
      onrecord: (connection, message) => this.#records.serve(connection, message),
      open: (connection, target) => this.switchboard.open(connection, target),
      onrefused: (why, { lease, wire }) =>
        this.reports.refused(why, lease?.device ?? null, wire.remoteAddress),
      onleft: (connection) => this.switchboard.leave(connection),
      onclosed: (connection) => {
        this.fleet?.forget(connection)
        this.switchboard.forget(connection)
      }
    })
    this.arrivals = {
      strangers: this.connections.strangers,
      onwire: (wire, deadline) => this.take(wire, deadline),
      onfull: (address) => this.reports.refused(refusal('RELAY_TOO_MANY'), null, address)
    }
    this.webSockets = new WebSockets(this.arrivals)
  }

  /** Takes a connection. @param deadline - until when it has to say who it is */
  take(wire: Wire, deadline: number = this.now() + this.greetingMs): void {
    if (!this.#host.isClosed() && this.connections.add(wire, deadline)) return
    this.reports.refused(refusal('RELAY_TOO_MANY'), null, wire.remoteAddress)
    wire.destroy()
  }

  /** Ends what has taken too long, and forgets what is over. */
  sweep(): void {
    const { stalledMs = 60_000 } = this.#options
    this.policy.sweep()
    this.switchboard.sweep()
    this.#records.sweep()
    endSilent(this.connections, this.now())
    endStalled(this.switchboard.splices, this.now(), stalledMs)
  }

  #fleetDesk(fleet: FleetOptions): FleetDesk {
    const { keyPair, limits = {} } = this.#options
    return new FleetDesk(fleet, {
      keyPair,
      policy: this.policy,
      maxConnections: limits.totalConnections ?? LIMITS.totalConnections,
      now: this.now,
      parked: () => this.switchboard.parked,
      isBack: (device) => this.switchboard.isBack(device)
    })
  }
}
