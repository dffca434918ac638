import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import ReadyResource from 'ready-resource'
import { RelayError } from '../errors.ts'
import type { Path, PathInfo } from '../paths/path.ts'
import { UdpPath } from '../paths/udp-path.ts'
import { TcpPath } from '../paths/tcp-path.ts'
import { SecretConnection } from '../session/secret-connection.ts'
import { LEAST_WINDOW_BYTES, type Terms } from '../session/greeting.ts'
import { Responder } from '../session/responder.ts'
import { Session, type SessionOptions } from '../session/session.ts'
import { listenTcp, type TcpListener } from '../sockets/sockets.ts'
import type { Connection, KeyPair } from '../types.ts'
import { checkRelay } from './addresses.ts'
import { CallBack } from './call-back.ts'
import type { DhtLike, DhtServerLike } from './dht.ts'
import {
  type ClientTimes,
  type RelayAddress,
  type RelayClientOptions,
  TIMES,
  WINDOW_BYTES
} from './options.ts'
import { Outgoing } from './outgoing.ts'
import { Registration } from './registration.ts'

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
  /** With which this client listens in the DHT for paths of sessions; told to the other side of one only. */
  readonly #pathKeyPair: KeyPair = crypto.keyPair()
  readonly #dht: DhtLike | null
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
    this.#options = options
    this.#dht = (options.dht ?? null) as DhtLike | null
    this.#times = { ...TIMES, ...options.times }
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
        for (const one of this.#registrations) if (one.address.publicKey === path.relay) one.proved()
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
    return this.#registrations
      .filter(({ registered }) => registered)
      .map(({ address: { publicKey } }) => publicKey)
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
    const { keyPair, relays = [], peerAddresses = 'machine' } = this.#options
    const connection = new SecretConnection(true, keyPair.publicKey, b4a.from(target))
    const outgoing = new Outgoing({
      keyPair,
      target: b4a.from(target),
      relays,
      addresses,
      peerAddresses,
      lan: this.#options.lan ?? null,
      udp: this.#dht === null ? null : { dht: this.#dht, pathKeyPair: this.#pathKeyPair, more: dhtOptions },
      times: this.#times,
      connection,
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
      await Promise.all([this.#listener?.close(), this.#dhtServer?.close()])
      this.#listener = this.#dhtServer = null
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    // First of all nobody new comes in.
    const listening = Promise.all([this.#listener?.close(), this.#dhtServer?.close()])
    for (const registration of this.#registrations) registration.close()
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
  }

  #register(address: RelayAddress): Registration {
    return new Registration(address, this.#options.keyPair, this.#times, {
      onregistered: () => this.emit('registered', address.publicKey),
      onunregistered: (error) => this.emit('unregistered', address.publicKey, error),
      onincoming: (path: Path) => this.#responder.accept(path)
    })
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
    const { keyPair, relays = [], peerAddresses = 'machine' } = this.#options
    const callBack = new CallBack({
      keyPair,
      target: connection.remotePublicKey as Uint8Array,
      relays,
      addresses: [],
      peerAddresses,
      lan: null,
      // A hole is punched from both sides: the other one does.
      udp: null,
      times: this.#times,
      connection,
      session: id,
      secret,
      theirs,
      accept: (path, onclosed) => this.#responder.accept(path, onclosed)
    })
    this.#callBacks.add(callBack)
    connection.once('close', () => this.#callBacks.delete(callBack))
    return this.#makeSession(id, secret, connection, theirs, {
      onlonely: () => callBack.start(),
      onconfirmed: () => {}
    })
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
