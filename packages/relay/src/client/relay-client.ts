import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import ReadyResource from 'ready-resource'
import { RelayError } from '../errors.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import { UdpPath } from '../paths/udp-path.ts'
import { TcpPath } from '../paths/tcp-path.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import { SecretConnection } from '../session/secret-connection.ts'
import type { Candidates } from '../session/greeting.ts'
import { Responder } from '../session/responder.ts'
import { Session } from '../session/session.ts'
import { listenTcp, type TcpListener } from '../sockets/sockets.ts'
import type { Connection, KeyPair } from '../types.ts'
import { checkKey } from '../replicas/arguments.ts'
import { checkRelay } from './addresses.ts'
import { DeviceRecords } from './device-records.ts'
import type { DhtLike, DhtServerLike } from './dht.ts'
import {
  type ClientTimes,
  LEAST_WINDOW_BYTES,
  type RelayAddress,
  type RelayClientOptions,
  TIMES,
  WINDOW_BYTES
} from './options.ts'
import { Outgoing } from './outgoing.ts'
import { Registration } from './registration.ts'
import type { ReplicasOptions } from './replica-options.ts'
import { ReplicaRegistrations } from './replica-registrations.ts'

/** Options of {@link RelayClient.connect}. */
export interface ConnectOptions {
  /** Addresses at which the device listens, `host:port`; tried before the relays. @defaultValue none */
  addresses?: readonly string[]
  /** Passed on to the DHT node's `connect`. @defaultValue none */
  dhtOptions?: object
}

/**
 * A device that finds others, and is found, through its relays and directly.
 *
 * It owns its registrations, its listener, and the connections it makes or takes: `close()` ends all. `ready()` resolves once it listens;
 * `'registered'` tells when a relay has taken it in.
 */
export class RelayClient extends ReadyResource {
  readonly #options: RelayClientOptions
  readonly #times: ClientTimes
  readonly #responder: Responder
  readonly #connections = new Set<SecretConnection>()
  /** With which this client listens in the DHT for paths of sessions; told to the other side of one only. */
  readonly #pathKeyPair: KeyPair = crypto.keyPair()
  readonly #dht: DhtLike | null
  readonly #replicas: ReplicaRegistrations | null
  readonly #records: DeviceRecords
  #registrations: Registration[] = []
  #dhtServer: DhtServerLike | null = null
  #listener: TcpListener | null = null
  #unannounce: (() => void) | null = null
  #announced: readonly string[] = []

  /** @throws {@link RelayError} `RELAY_BAD_ARGUMENT` */
  constructor(options: RelayClientOptions) {
    super()
    const { keyPair } = options
    if (keyPair?.publicKey?.length !== 32 || keyPair.secretKey?.length !== 64)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a device needs an Ed25519 key pair')
    const { windowBytes = WINDOW_BYTES, relays = [] } = options
    if (!Number.isSafeInteger(windowBytes) || windowBytes < LEAST_WINDOW_BYTES)
      throw new RelayError('RELAY_BAD_ARGUMENT', `a window has ${LEAST_WINDOW_BYTES} bytes or more`)
    for (const relay of relays) checkRelay(relay)
    for (const { owner } of options.owners ?? []) checkKey(owner, 'an owner')
    if (options.replicas && relays.length > 0)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a device has relays or replicas, not both')
    this.#options = options
    this.#dht = (options.dht ?? null) as DhtLike | null
    this.#times = { ...TIMES, ...options.times }
    this.#replicas = options.replicas ? this.#makeReplicas(options.replicas) : null
    this.#records = this.#makeRecords(options)
    this.#responder = new Responder({
      keyPair,
      attemptMs: this.#times.attemptMs,
      firewall: (key) => this.#options.firewall?.(key) ?? false,
      candidates: () => this.#candidates(),
      makeSession: (id, secret, connection) => this.#makeSession(id, secret, connection, () => {}),
      onconnection: (connection) => {
        this.#keep(connection)
        this.emit('connection', connection)
      }
    })
  }

  get publicKey(): Uint8Array {
    return this.#options.keyPair.publicKey
  }

  /** Connections that are open or opening, in both directions. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections as ReadonlySet<unknown> as ReadonlySet<Connection>
  }

  /** Public keys of the relays where this device can be reached now. */
  get registeredAt(): Uint8Array[] {
    if (this.#replicas !== null) return this.#replicas.registeredAt
    return this.#registrations
      .filter(({ registered }) => registered)
      .map(({ address: { publicKey } }) => publicKey)
  }

  /** How one's replicas are, as far as this device knows; empty without `replicas`. */
  get replicas(): ReplicaStatus[] {
    return this.#replicas?.statuses ?? []
  }

  /**
   * Takes a newer set of one's replicas; an older one changes nothing.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT` also without `replicas`, `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`, `RELAY_BAD_SIGNATURE`
   */
  useReplicas(set: Uint8Array): void {
    if (this.#replicas === null) throw new RelayError('RELAY_BAD_ARGUMENT', 'this device has no replicas')
    this.#replicas.use(set)
  }

  /** Port of the TCP listener; `null` where there is none. */
  get port(): number | null {
    return this.#listener?.port ?? null
  }

  /**
   * Reaches out for a device.
   *
   * @param target - its public key, 32 bytes
   * @returns a connection that opens later; where no way is found, it is destroyed with the error
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`, `RELAY_CLOSED`
   */
  connect(target: Uint8Array, { addresses = [], dhtOptions = {} }: ConnectOptions = {}): Connection {
    if (!(target instanceof Uint8Array) || target.length !== 32)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a public key has 32 bytes')
    if (this.closing !== null) throw new RelayError('RELAY_CLOSED', 'connect after close()')
    const { keyPair, relays = [] } = this.#options
    const key = b4a.from(target)
    const relaysNow = (): readonly RelayAddress[] =>
      this.#replicas?.relays(this.#records.known(key)) ?? relays
    const connection = new SecretConnection(true, keyPair.publicKey, key)
    const outgoing = new Outgoing({
      keyPair,
      target: key,
      get relays() {
        return relaysNow()
      },
      byRecord: this.#records.findsAny ? (attempt) => this.#records.way(key, relaysNow(), attempt) : null,
      addresses,
      lan: this.#options.lan ?? null,
      udp: this.#dht === null ? null : { dht: this.#dht, pathKeyPair: this.#pathKeyPair, more: dhtOptions },
      times: this.#times,
      connection,
      makeSession: (id, secret, onlonely) => this.#makeSession(id, secret, connection, onlonely)
    })
    this.#keep(connection)
    outgoing.start()
    // The same object: its events are typed there, where upstream's take any name.
    return connection as unknown as Connection
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    const { listen = null, relays = [], keyPair } = this.#options
    try {
      if (listen !== null) await this.#listen(listen)
      if (this.#dht !== null) await this.#listenUdp(this.#dht)
    } catch (error) {
      await Promise.all([this.#listener?.close(), this.#dhtServer?.close()])
      this.#listener = this.#dhtServer = null
      throw error
    }
    this.#registrations = relays.map(
      (address) =>
        new Registration(address, keyPair, this.#times, {
          onregistered: () => this.#onregistered(address.publicKey),
          onunregistered: (error) => this.#onunregistered(address.publicKey, error),
          onfound: (target, record) => this.#records.onfound(target, record),
          onincoming: (path: Path) => this.#responder.accept(path)
        })
    )
    this.#replicas?.start()
  }

  protected override async _close(): Promise<void> {
    // First of all nobody new comes in.
    const listening = Promise.all([this.#listener?.close(), this.#dhtServer?.close()])
    for (const registration of this.#registrations) registration.close()
    this.#replicas?.close()
    this.#records.close()
    this.#unannounce?.()
    this.#responder.close()
    const closed = [...this.#connections].map(
      (connection) => new Promise<void>((resolve) => connection.once('close', resolve))
    )
    for (const connection of this.#connections) connection.destroy()
    await Promise.all(closed)
    await listening
  }

  #makeReplicas(replicas: ReplicasOptions): ReplicaRegistrations {
    return new ReplicaRegistrations(replicas, this.#options.keyPair, this.#times, {
      onregistered: (relay) => this.#onregistered(relay),
      onunregistered: (relay, error) => this.#onunregistered(relay, error),
      onincoming: (path) => this.#responder.accept(path),
      onfound: (target, record) => this.#records.onfound(target, record),
      onset: () => this.#records.useSet()
    })
  }

  #makeRecords({
    keyPair,
    owners = [],
    replicas,
    publish = 'everywhere'
  }: RelayClientOptions): DeviceRecords {
    return new DeviceRecords({
      keyPair,
      times: this.#times,
      dht: this.#dht,
      publishing: publish,
      owners: replicas ? [replicas, ...owners] : owners,
      registrations: () => this.#replicas?.registrations ?? this.#registrations,
      set: () => this.#replicas?.set ?? null,
      onset: (set) => {
        if (replicas && b4a.equals(set.owner, replicas.owner)) this.#replicas?.use(set.bytes)
      }
    })
  }

  #onregistered(relay: Uint8Array): void {
    this.#records.onregistered()
    this.emit('registered', relay)
  }

  #onunregistered(relay: Uint8Array, error: Error): void {
    this.#records.onunregistered(relay)
    this.emit('unregistered', relay, error)
  }

  async #listen({ announce, ...at }: NonNullable<RelayClientOptions['listen']>): Promise<void> {
    const listener = await listenTcp(at, (wire) => this.#responder.accept(new TcpPath(wire)))
    this.#listener = listener
    this.#unannounce = this.#options.lan?.announce(this.publicKey, listener.port) ?? null
    const { host } = at
    this.#announced = announce ?? (host === undefined ? [] : [`${bracketed(host)}:${listener.port}`])
  }

  async #listenUdp(dht: DhtLike): Promise<void> {
    this.#dhtServer = dht.createServer({}, (stream) => this.#responder.accept(new UdpPath(stream)))
    await this.#dhtServer.listen(this.#pathKeyPair)
  }

  #candidates(): Candidates {
    return {
      tcp: this.#announced,
      udp: this.#dhtServer === null ? new Uint8Array(0) : this.#pathKeyPair.publicKey
    }
  }

  #makeSession(
    id: Uint8Array,
    secret: Uint8Array,
    connection: SecretConnection,
    onlonely: (failed: PathInfo | null) => void
  ): Session {
    return new Session({
      id,
      secret,
      connection,
      times: this.#times,
      windowBytes: this.#options.windowBytes ?? WINDOW_BYTES,
      onlonely,
      onfailed: (path: PathInfo, error) => this.emit('path-failed', path, error),
      onover: () => {}
    })
  }

  #keep(connection: SecretConnection): void {
    this.#connections.add(connection)
    // Who does not listen sees it in `opened`, and in `'close'`.
    connection.on('error', () => {})
    connection.once('close', () => this.#connections.delete(connection))
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
