import b4a from 'b4a'
import ReadyResource from 'ready-resource'
import type { PeerAddresses } from '../addresses/peer-addresses.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import { checkKey } from '../arguments.ts'
import type { DhtLike } from '../dht.ts'
import { RelayError } from '../errors.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import { SecretConnection } from '../session/secret-connection.ts'
import type { Connection, Listen } from '../types.ts'
import { checkAddresses, checkOptions } from './check-options.ts'
import { DeviceRecords } from './device-records.ts'
import { askedSafely } from './firewall.ts'
import { FixedRegistrations, type RegistrationsEvents } from './fixed-registrations.ts'
import { Listening } from './listening.ts'
import {
  type ClientTimes,
  type ConnectOptions,
  type RelayClientEvents,
  type RelayClientOptions,
  TIMES,
  WINDOW_BYTES
} from './options.ts'
import type { ReplicasOptions } from './replica-options.ts'
import { ReplicaRegistrations } from './replica-registrations.ts'
import { Sessions } from './sessions.ts'

/**
 * A device that finds others, and is found, through its relays and directly.
 *
 * It owns its registrations, its listener, and the connections it makes or takes: `close()` ends all, and gives what was written
 * before a connection has closed 5 s (`attemptMs`) to arrive. `ready()` resolves once it listens
 * for TCP, and throws {@link RelayError} `RELAY_CANNOT_LISTEN` where it cannot, or in a browser, where nobody can, `RELAY_BAD_ARGUMENT`; `'registered'` tells when a relay has taken it in.
 */
export class RelayClient extends ReadyResource {
  declare readonly on: Listen<RelayClientEvents, this>
  declare readonly once: Listen<RelayClientEvents, this>
  declare readonly off: Listen<RelayClientEvents, this>
  readonly #options: RelayClientOptions
  readonly #times: ClientTimes
  readonly #sessions: Sessions
  readonly #listening: Listening
  readonly #connections = new Set<SecretConnection>()
  readonly #dht: DhtLike | null
  readonly #replicas: ReplicaRegistrations | null
  readonly #registrations: ReplicaRegistrations | FixedRegistrations
  readonly #records: DeviceRecords
  readonly #onnetwork = (): void => this.networkChanged()
  #suspended = false
  #over = false

  /** @throws {@link RelayError} `RELAY_BAD_ARGUMENT` */
  constructor(options: RelayClientOptions) {
    super()
    checkOptions(options)
    const { keyPair, relays = [], windowBytes = WINDOW_BYTES, peerAddresses = 'machine' } = options
    this.#options = options
    this.#dht = (options.dht ?? null) as DhtLike | null
    this.#times = { ...TIMES, ...options.times }
    this.#replicas = options.replicas ? this.#makeReplicas(options.replicas) : null
    this.#registrations =
      this.#replicas ?? new FixedRegistrations(relays, keyPair, this.#times, this.#onregistrations())
    this.#records = this.#makeRecords(options)
    this.#listening = new Listening({
      publicKey: keyPair.publicKey,
      listen: options.listen ?? null,
      dht: this.#dht,
      lan: options.lan ?? null,
      onpath: (path) => this.#sessions.accept(path),
      onfailed: (error) => this.emit('listen-failed', error)
    })
    this.#sessions = this.#makeSessions(windowBytes, peerAddresses)
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
    return this.#registrations.registeredAt
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
    return this.#listening.port
  }

  /**
   * Reaches out for a device.
   *
   * @param target - its public key, 32 bytes
   * @returns a connection that opens later; where no way is found, it is destroyed with the error
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT` for what is no key, or no list of text, `RELAY_CLOSED`
   */
  connect(
    target: Uint8Array,
    { addresses = [], dhtOptions = {}, explain = (error) => error }: ConnectOptions = {}
  ): Connection {
    checkKey(target, 'the target')
    checkAddresses(addresses)
    if (this.#over || this.closing !== null) throw new RelayError('RELAY_CLOSED', 'connect after close()')
    const key = b4a.from(target)
    const connection = new SecretConnection(true, this.publicKey, key)
    this.#keep(connection)
    const [dht, { pathKeyPair }] = [this.#dht, this.#listening]
    this.#sessions.reach(key, connection, {
      addresses,
      lan: this.#options.lan ?? null,
      udp: dht === null ? null : { dht, pathKeyPair, more: dhtOptions },
      byRecord: this.#records.findsAny
        ? (attempt) => this.#records.way(key, this.#relaysTo(key), attempt)
        : null,
      explain
    })
    // The same object: its events are typed there, where upstream's take any name.
    return connection as unknown as Connection
  }

  /** Stops being reachable through relays: the app goes to the background. Connections stay, for as long as somebody on the other side is patient. */
  suspend(): void {
    this.#suspended = true
    const left = this.registeredAt
    this.#registrations.close()
    const error = new RelayError('RELAY_CLOSED', 'the device is suspended')
    for (const relay of left) this.#onunregistered(relay, error)
  }

  /** Registers again. */
  resume(): void {
    if (!this.#suspended) return
    this.#suspended = false
    if (this.opened && this.closing === null) this.#registrations.start()
  }

  /**
   * The device may be on another network, as a browser's `'online'` says; with a `dht` node this is called by itself. What stands is asked at once whether it does,
   * and relays that could not be reached are tried again.
   */
  networkChanged(): void {
    if (this.#suspended) return
    this.#registrations.networkChanged()
    for (const connection of this.#connections) connection.sendKeepAlive()
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    try {
      this.#dht?.on?.('network-change', this.#onnetwork)
      await this.#listening.open()
      if (!this.#suspended) this.#registrations.start()
    } catch (error) {
      // Upstream's does not close what did not open.
      await this.#end()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    await this.#end()
  }

  async #end(): Promise<void> {
    this.#over = true
    this.#dht?.off?.('network-change', this.#onnetwork)
    // First of all nobody new comes in.
    const listening = this.#listening.close()
    this.#registrations.close()
    this.#records.close()
    this.#sessions.close()
    const closed = [...this.#connections].map(
      (connection) => new Promise<void>((resolve) => connection.once('close', resolve))
    )
    for (const connection of this.#connections) connection.destroy()
    await Promise.all(closed)
    await this.#sessions.over(this.#times.attemptMs)
    await listening
  }

  /** Those that a device may be at, the likeliest first. */
  #relaysTo(device: Uint8Array): readonly RelayAddress[] {
    return this.#registrations.relays(this.#records.known(device))
  }

  #makeSessions(windowBytes: number, peerAddresses: PeerAddresses): Sessions {
    return new Sessions({
      keyPair: this.#options.keyPair,
      times: this.#times,
      windowBytes,
      peerAddresses,
      firewall: askedSafely(
        (key) => this.#options.firewall?.(key) ?? false,
        (error) => this.emit('firewall-failed', error)
      ),
      candidates: () => this.#listening.candidates,
      relaysTo: (device) => this.#relaysTo(device),
      onconnection: (connection) => {
        this.#keep(connection)
        this.emit('connection', connection)
      },
      onproved: ({ relay }) => {
        for (const one of this.#registrations.registrations)
          if (relay !== null && b4a.equals(one.address.publicKey, relay)) one.proved()
      },
      onfailed: (path, error) => this.emit('path-failed', path, error)
    })
  }

  #makeReplicas(replicas: ReplicasOptions): ReplicaRegistrations {
    return new ReplicaRegistrations(replicas, this.#options.keyPair, this.#times, {
      ...this.#onregistrations(),
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
      registrations: () => this.#registrations.registrations,
      set: () => this.#replicas?.set ?? null,
      onset: (set) => {
        if (replicas && b4a.equals(set.owner, replicas.owner)) this.#replicas?.use(set.bytes)
      }
    })
  }

  #onregistrations(): RegistrationsEvents {
    return {
      onregistered: (relay) => this.#onregistered(relay),
      onunregistered: (relay, error) => this.#onunregistered(relay, error),
      onincoming: (path) => this.#sessions.accept(path),
      onfound: (relay, target, record) => this.#records.onfound(relay, target, record)
    }
  }

  #onregistered(relay: Uint8Array): void {
    this.#records.onregistered()
    this.emit('registered', relay)
  }

  #onunregistered(relay: Uint8Array, error: RelayError): void {
    this.#records.onunregistered(relay)
    this.emit('unregistered', relay, error)
  }

  #keep(connection: SecretConnection): void {
    this.#connections.add(connection)
    // Who does not listen sees it in `opened`, and in `'close'`.
    connection.on('error', () => {})
    connection.once('close', () => this.#connections.delete(connection))
  }
}
