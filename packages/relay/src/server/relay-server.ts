import ReadyResource from 'ready-resource'
import { RelayError } from '../errors.ts'
import type { RelayPolicy } from '../policy/relay-policy.ts'
import type { FleetMember } from '../replicas/fleet-member.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import type { Listen } from '../types.ts'
import type { UdpStats } from '../udp/udp-plane.ts'
import type { Wire } from '../wires/wire.ts'
import { answersOf } from './answers.ts'
import { askToLeave } from './drain.ts'
import { ListenerSet, type Ports } from './listener-set.ts'
import type { RelayMetrics } from './metrics.ts'
import { checkTimes } from './check-times.ts'
import type { RelayServerOptions, TlsOptions } from './options.ts'
import { RelayParts } from './relay-parts.ts'
import type { Refused } from './reports.ts'
import type { UpgradeRequest, UpgradeSocket } from './web-sockets.ts'

const SWEEP_MS = 250

/** What a {@link RelayServer} emits: facts that nobody asked for. */
export interface RelayServerEvents {
  /** Somebody was refused. `device` is `null` before it has proven its key. */
  refused: Refused
  /** The DHT knows where it is: from now on it is reached over UDP, too. */
  'udp-listening': []
  /** It could not listen in the DHT; all else goes on. */
  'listen-failed': [error: Error]
  ready: []
  close: []
}

/**
 * A relay of one's own: joins devices that cannot reach each other, and cannot read what they say.
 *
 * It owns its listeners and connections. It connects to no device, and to no address that one names: a destination is a key that has registered here. With `replicas` it connects to the owner's other relays.
 * `ready()` listens, and does not wait for a DHT; `drain()` lets sessions move away; `close()` ends all.
 */
export class RelayServer extends ReadyResource {
  declare readonly on: Listen<RelayServerEvents, this>
  declare readonly once: Listen<RelayServerEvents, this>
  declare readonly off: Listen<RelayServerEvents, this>
  readonly #options: RelayServerOptions
  readonly #parts: RelayParts
  readonly #listeners = new ListenerSet()
  #sweeper: unknown = null

  /** @throws {@link RelayError} `RELAY_BAD_ARGUMENT`, `RELAY_UNSUPPORTED_UPSTREAM` with a `dht`; `ready()` throws `RELAY_CANNOT_LISTEN` */
  constructor(options: RelayServerOptions) {
    super()
    const { keyPair } = options
    if (keyPair?.publicKey?.length !== 32 || keyPair.secretKey?.length !== 64)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a relay needs an Ed25519 key pair')
    checkTimes(options)
    this.#options = options
    this.#parts = new RelayParts(options, {
      onrefused: (...refused) => this.emit('refused', ...refused),
      isClosed: () => this.closing !== null
    })
  }

  /** Who is served; allows and revokes at any time. */
  get policy(): RelayPolicy {
    return this.#parts.policy
  }

  /** What it has counted, for Prometheus. */
  get metrics(): RelayMetrics {
    return this.#parts.reports.metrics
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
    return this.#parts.connections.size
  }

  /** Devices that can be reached here. */
  get registered(): number {
    return this.#parts.switchboard.registered
  }

  /** Pairs of connections that are joined. */
  get sessions(): number {
    return this.#parts.switchboard.splices.size
  }

  /** How the UDP plane is; `null` where there is none. */
  get udp(): UdpStats | null {
    return this.#parts.udp?.stats ?? null
  }

  /** Bytes that wait in this process for slower sides, of all connections. */
  get heldBytes(): number {
    return this.#parts.connections.heldBytes
  }

  /** Health for a load balancer: false while it drains and after. */
  get healthy(): boolean {
    return this.opened && !this.#parts.gate.draining && this.closing === null
  }

  /**
   * Takes a connection that somebody else has accepted.
   *
   * @param wire - is owned by the server from now on
   */
  accept(wire: Wire): void {
    this.#parts.take(wire)
  }

  /**
   * Takes a request for a WebSocket of the app's own HTTP server: what its `upgrade` event tells.
   *
   * @param socket - is owned by the relay from now on
   * @param address - of the client, for limits and log: behind a proxy, what that says. @defaultValue the socket's
   */
  upgrade(
    request: UpgradeRequest,
    socket: UpgradeSocket,
    head: Uint8Array,
    address: string = socket.remoteAddress ?? ''
  ): void {
    this.#parts.webSockets.take(request, socket, head, {
      address,
      deadline: this.#parts.now() + this.#parts.greetingMs
    })
  }

  /**
   * Lets everybody move away: registrations end at once, and so do those who wait for one; sessions are told, and end when their devices have moved, or after `drainMs`.
   * Nobody new is served. Over UDP nobody can be told: what is relayed there goes on until it ends, or until then. With `replicas` everybody is asked in turn over half
   * of that time, and registrations go on until their devices are at home elsewhere. Resolves when nobody is left; `close()` follows.
   */
  async drain(): Promise<void> {
    this.#parts.gate.drain()
    this.#parts.udp?.drain()
    const { drainMs = 10_000 } = this.#options
    const board = this.#parts.switchboard
    this.#parts.fleet?.drain()
    // Nobody registers again: who waits would wait in vain.
    if (this.#parts.fleet === null) this.#sendAway()
    await askToLeave(board, {
      askMs: this.#parts.fleet === null ? 0 : Math.floor(drainMs / 2),
      drainMs,
      now: this.#parts.now,
      isOver: () => this.closing !== null,
      // Who was reached just now comes back, and is asked then.
      isBusyElsewhere: () =>
        (this.#parts.udp?.stats.links ?? 0) > 0 || (this.#parts.fleet !== null && board.returning > 0)
    })
    this.#sendAway()
    for (const { opener, target } of board.splices)
      for (const side of [opener, target]) side.refuse(this.#parts.gate.away(side))
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
    this.#member.use(set)
  }

  /** Whether {@link useReplicas} would take it. @throws the same */
  checkReplicas(set: Uint8Array): void {
    this.#member.check(set)
  }

  get #member(): FleetMember {
    if (this.#parts.fleet !== null) return this.#parts.fleet.member
    throw new RelayError('RELAY_BAD_ARGUMENT', 'this relay has no replicas')
  }

  /** How the owner's replicas are, as this one sees them, itself not included; empty without `replicas`. */
  get replicas(): ReplicaStatus[] {
    return this.#parts.fleet?.statuses ?? []
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    const { arrivals, webSockets, greetingMs, now, reports } = this.#parts
    const answers = answersOf(this, reports.throughput, now)
    try {
      await this.#listeners.open(this.#options, {
        ...arrivals,
        webSockets,
        greetingMs,
        now,
        answers
      })
      // After what waits in the sockets was read: who was held up itself takes nobody for silent.
      this.#sweeper = setInterval(() => setTimeout(() => this.#sweep(), 0), SWEEP_MS)
      this.#parts.fleet?.member.start()
    } catch (error) {
      await this.#end()
      throw error
    }
    // Beside: nobody has to wait for a DHT that does not answer.
    this.#parts.udp?.ready().then(
      () => this.emit('udp-listening'),
      (error: Error) => {
        if (this.closing === null) this.emit('listen-failed', error)
      }
    )
  }

  protected override async _close(): Promise<void> {
    await this.#end()
  }

  async #end(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    this.#parts.fleet?.member.close()
    const closed = this.#listeners.close()
    this.#parts.connections.destroy()
    await closed
    await this.#parts.udp?.close()
  }

  /** Who is registered, and who waits for one that was. */
  #sendAway(): void {
    const { parked, waiting } = this.#parts.switchboard
    for (const one of [...parked, ...waiting]) one.refuse(this.#parts.gate.away(one))
  }

  #sweep(): void {
    if (this.closing !== null) return
    this.#parts.sweep()
    this.#listeners.sweep()
  }
}
