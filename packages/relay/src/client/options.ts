import type { PeerAddresses } from '../addresses/peer-addresses.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { RelayError } from '../errors.ts'
import type { Connection, KeyPair } from '../types.ts'
import type { PathInfo } from '../paths/path.ts'
import type { TrustedOwner } from '../records/trusted-owner.ts'
import type { Publishing, ReplicasOptions } from './replica-options.ts'
import type { LanLike } from './find-on-lan.ts'
import type { SessionTimes } from '../session/times.ts'

/** Options of a {@link RelayClient}. */
export interface RelayClientOptions {
  /** Who this device is. */
  keyPair: KeyPair
  /** One's own relays, the best first; one that has several addresses is named with each. @defaultValue none */
  relays?: readonly RelayAddress[]
  /**
   * One's own relays as a signed set, in place of `relays`: this device registers at some of them, by load, and goes from one to another by itself.
   *
   * @defaultValue none
   */
  replicas?: ReplicasOptions | null
  /**
   * Owners of relays that other devices use, such as a friend's: where a device's own record names relays of theirs, it is reached through them. Nobody's
   * relays are dialled but those in a set that such an owner has signed.
   *
   * @defaultValue none; the owner of `replicas` is one
   */
  owners?: readonly TrustedOwner[]
  /**
   * Who learns at which relays this device is: whoever has its public key and asks one of its relays, or the DHT too. The DHT is told only with `replicas`.
   *
   * @defaultValue 'everywhere'
   */
  publish?: Publishing
  /** True refuses a device that has proven this key; so does what it throws, or a promise. @defaultValue refuse nobody */
  firewall?: (remotePublicKey: Uint8Array) => boolean
  /** Where to listen for direct TCP connections; other devices learn it once they are connected. @defaultValue nowhere */
  listen?: {
    readonly host?: string
    readonly port?: number
    /** What is told to others, as `host:port`. @defaultValue `host`, which should be an address then, and the port; nothing without a host */
    readonly announce?: readonly string[]
  } | null
  /**
   * A node of hyperdht: direct UDP connections are tried, first of all, and as a better path later. Borrowed.
   *
   * @defaultValue none
   */
  dht?: object | null
  /**
   * A `LanDiscovery` of `@cloudpal/relay/lan`, ready: devices are looked for on the local network too, and this one is announced where it listens.
   * Who is nowhere is then given up only after `attemptMs`. Borrowed.
   *
   * @defaultValue none
   */
  lan?: LanLike | null
  /**
   * Which addresses are dialled that a connected device names: those of this machine too, where two apps of one machine meet, of its networks, of the internet only, or
   * none. Addresses of `connect()`, and what is found by `lan`, are dialled in any case.
   *
   * @defaultValue 'machine'
   */
  peerAddresses?: PeerAddresses
  times?: Partial<ClientTimes>
  /** Bytes under way at most, for each connection and direction: 128 KiB or more. @defaultValue 4 MiB */
  windowBytes?: number
}

/** Options of {@link RelayClient.connect}. */
export interface ConnectOptions {
  /** Addresses at which the device listens, `host:port`; tried beside all other ways, and one that leads nowhere shows only where none does. @defaultValue none */
  addresses?: readonly string[]
  /** Passed on to the DHT node's `connect`. @defaultValue none */
  dhtOptions?: object
  /** What the connection is destroyed with where no way is found. @defaultValue the error as it is */
  explain?: (error: Error) => Error
}

/** All in milliseconds. */
export interface ClientTimes extends SessionTimes {
  /** How long a way may take before the next one of its kind is tried beside it. @defaultValue 250 */
  staggerMs: number
  /** How long a relay through which the device has answered waits for a direct way to do so. @defaultValue 12 */
  preferMs: number
  /** How long one way may take in all, but for direct UDP. @defaultValue 5,000 */
  attemptMs: number
  /**
   * How long direct UDP may take, but for where another path was lost. Where one NAT is symmetric, hyperdht guesses ports for up to 35 s, and does so once in 20 s only
   * (its lib/holepuncher.js and lib/connect.js). @defaultValue 60,000
   */
  punchMs: number
  /** First and longest time between pings of a registration. @defaultValue 30,000 */
  keepAliveMs: number
  /** @defaultValue 240,000 */
  maxKeepAliveMs: number
  /** How long a ping of a registration may take. @defaultValue 5,000 */
  pongMs: number
  /** Between attempts to register, or to find a better path: doubles up to sixty times that. @defaultValue 1,000 */
  retryMs: number
}

/** What a {@link RelayClient} emits: facts that nobody asked for. */
export interface RelayClientEvents {
  /** Somebody has reached this device, and has proven its key. */
  connection: [connection: Connection]
  /** A path of a connection has failed; the connection goes on where there is another. */
  'path-failed': [path: PathInfo, error: RelayError]
  /** This device does not listen in the DHT, and is not reached directly by UDP: `RELAY_CANNOT_LISTEN`. All else goes on. */
  'listen-failed': [error: RelayError]
  /** The app's firewall has thrown this, and so refused whoever came. */
  'firewall-failed': [error: Error]
  /** This device can be reached at a relay now. */
  registered: [relay: Uint8Array]
  /** This device cannot be reached there any more; or an attempt to register has failed, also where it was never registered. {@link RelayClient.registeredAt} has the state. */
  unregistered: [relay: Uint8Array, error: RelayError]
  ready: []
  close: []
}

export const TIMES: ClientTimes = {
  probeMs: 500,
  idleProbeMs: 15_000,
  deadMs: 1_500,
  graceMs: 30_000,
  staggerMs: 250,
  preferMs: 12,
  attemptMs: 5_000,
  punchMs: 60_000,
  keepAliveMs: 30_000,
  maxKeepAliveMs: 240_000,
  pongMs: 5_000,
  retryMs: 1_000
}

export const WINDOW_BYTES: number = 4 * 1024 * 1024
