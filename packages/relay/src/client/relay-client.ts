import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import ReadyResource from 'ready-resource'
import { RelayError } from '../errors.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import { UdpPath } from '../paths/udp-path.ts'
import { TcpPath } from '../paths/tcp-path.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import { SecretConnection } from '../session/secret-connection.ts'
import { LEAST_WINDOW_BYTES, type Terms } from '../session/greeting.ts'
import { Responder } from '../session/responder.ts'
import { Session, type SessionOptions } from '../session/session.ts'
import { listenTcp, type TcpListener } from '../sockets/sockets.ts'
import type { Connection, KeyPair } from '../types.ts'
import { checkKey } from '../replicas/arguments.ts'
import { checkRelay } from './addresses.ts'
import { CallBack } from './call-back.ts'
import { DeviceRecords } from './device-records.ts'
import type { DhtLike, DhtServerLike } from './dht.ts'
import {
  type ClientTimes,
  type RelayAddress,
  type RelayClientOptions,
  TIMES,
  WINDOW_BYTES
} from './options.ts'
import { Met } from './met.ts'
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
  /** What the connection is destroyed with where no way is found. @defaultValue the error as it is */
  explain?: (error: Error) => Error
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
  readonly #outgoing = new Set<Outgoing>()
  readonly #callBacks = new Set<CallBack>()
  readonly #met = new Met()
  /** With which this client listens in the DHT for paths of sessions; told to the other side of one only. */
  readonly #pathKeyPair: KeyPair = crypto.keyPair()
  readonly #dht: DhtLike | null
  readonly #replicas: ReplicaRegistrations | null
  readonly #records: DeviceRecords
  readonly #registrations: Registration[] = []
  #suspended = false
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
    if (!['machine', 'network', 'internet', 'none'].includes(options.peerAddresses ?? 'machine'))
      throw new RelayError(
        'RELAY_BAD_ARGUMENT',
        `peerAddresses is 'machine', 'network', 'internet' or 'none'`
      )
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
      terms: () => this.#terms(),
      makeSession: (id, secret, connection, theirs) => this.#makeReached(id, secret, connection, theirs),
      onconnection: (connection) => {
        this.#keep(connection)
        this.emit('connection', connection)
      },
      onproved: (path) => {
        for (const one of this.#atRelays) if (one.address.publicKey === path.relay) one.proved()
        for (const one of this.#callBacks) one.proved(path)
      },
      oncall: (line, call) => [...this.#outgoing].some((one) => one.answer(line, call))
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
  connect(
    target: Uint8Array,
    { addresses = [], dhtOptions = {}, explain = (error) => error }: ConnectOptions = {}
  ): Connection {
    if (!(target instanceof Uint8Array) || target.length !== 32)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a public key has 32 bytes')
    if (this.closing !== null) throw new RelayError('RELAY_CLOSED', 'connect after close()')
    const { keyPair, peerAddresses = 'machine' } = this.#options
    const key = b4a.from(target)
    const relaysNow = (): readonly RelayAddress[] => this.#relaysTo(key)
    const connection = new SecretConnection(true, keyPair.publicKey, key)
    const outgoing = new Outgoing({
      keyPair,
      target: key,
      get relays() {
        return relaysNow()
      },
      byRecord: this.#records.findsAny ? (attempt) => this.#records.way(key, relaysNow(), attempt) : null,
      addresses,
      peerAddresses,
      lan: this.#options.lan ?? null,
      udp: this.#dht === null ? null : { dht: this.#dht, pathKeyPair: this.#pathKeyPair, more: dhtOptions },
      times: this.#times,
      connection,
      udpKey: this.#met.keyOf(key),
      onmet: (theirs) => this.#remember(key, theirs),
      explain,
      terms: this.#terms(),
      makeSession: (id, secret, theirs, events) => this.#makeSession(id, secret, connection, theirs, events)
    })
    this.#keep(connection)
    this.#outgoing.add(outgoing)
    connection.once('close', () => this.#outgoing.delete(outgoing))
    outgoing.start()
    // The same object: its events are typed there, where upstream's take any name.
    return connection as unknown as Connection
  }

  /** Stops being reachable through relays: the app goes to the background. Connections stay, for as long as somebody on the other side is patient. */
  suspend(): void {
    this.#suspended = true
    for (const registration of this.#registrations.splice(0)) registration.close()
    this.#replicas?.close()
  }

  /** Registers again. */
  resume(): void {
    if (!this.#suspended) return
    this.#suspended = false
    if (this.opened && this.closing === null) this.#registerAll()
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    const { listen = null } = this.#options
    try {
      if (listen !== null) await this.#listen(listen)
      if (this.#dht !== null) await this.#listenUdp(this.#dht)
      if (!this.#suspended) this.#registerAll()
    } catch (error) {
      for (const registration of this.#registrations.splice(0)) registration.close()
      this.#replicas?.close()
      await Promise.all([this.#listener?.close(), this.#dhtServer?.close()])
      this.#listener = this.#dhtServer = null
      throw error
    }
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

  #registerAll(): void {
    for (const address of this.#options.relays ?? []) this.#registrations.push(this.#register(address))
    this.#replicas?.start()
  }

  #register(address: RelayAddress): Registration {
    return new Registration(address, this.#options.keyPair, this.#times, {
      onregistered: () => this.#onregistered(address.publicKey),
      onunregistered: (error) => this.#onunregistered(address.publicKey, error),
      onfound: (target, record) => this.#records.onfound(target, record),
      onincoming: (path: Path) => this.#responder.accept(path)
    })
  }

  get #atRelays(): readonly Registration[] {
    return this.#replicas?.registrations ?? this.#registrations
  }

  /** Those that a device may be at, the likeliest first. */
  #relaysTo(device: Uint8Array): readonly RelayAddress[] {
    return this.#replicas?.relays(this.#records.known(device)) ?? this.#options.relays ?? []
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
      registrations: () => this.#atRelays,
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

  #terms(): Terms {
    const udp = this.#dhtServer === null ? new Uint8Array(0) : this.#pathKeyPair.publicKey
    const { windowBytes = WINDOW_BYTES } = this.#options
    return { windowBytes, candidates: { tcp: this.#announced, udp } }
  }

  /** A session that somebody else has begun, who finds its paths; where that takes long, it is called. */
  #makeReached(id: Uint8Array, secret: Uint8Array, connection: SecretConnection, theirs: Terms): Session {
    if (connection.remotePublicKey !== null) this.#remember(connection.remotePublicKey, theirs)
    const callBack = new CallBack({
      keyPair: this.#options.keyPair,
      relays: () => this.#relaysTo(connection.remotePublicKey ?? new Uint8Array(0)),
      times: this.#times,
      connection,
      session: id,
      secret,
      accept: (path, onclosed) => this.#responder.accept(path, onclosed)
    })
    this.#callBacks.add(callBack)
    connection.once('close', () => this.#callBacks.delete(callBack))
    return this.#makeSession(id, secret, connection, theirs, {
      onlonely: () => callBack.start(),
      onconfirmed: () => {}
    })
  }

  #remember(device: Uint8Array, { candidates: { udp } }: Terms): void {
    if (this.#options.peerAddresses !== 'none') this.#met.remember(device, udp)
  }

  #makeSession(
    id: Uint8Array,
    secret: Uint8Array,
    connection: SecretConnection,
    theirs: Terms,
    events: Pick<SessionOptions, 'onlonely' | 'onconfirmed'>
  ): Session {
    return new Session({
      id,
      secret,
      connection,
      times: this.#times,
      windows: { own: this.#options.windowBytes ?? WINDOW_BYTES, theirs: theirs.windowBytes },
      ...events,
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
