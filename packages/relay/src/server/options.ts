import type { KeyPair } from '../types.ts'
import type { DhtLike } from '../udp/dht.ts'
import type { FleetOptions } from '../replicas/fleet-options.ts'
import type { PolicyOptions } from '../policy/relay-policy.ts'

/** Where a listener listens. */
export interface ListenOptions {
  /** @defaultValue any free one */
  port?: number
  /** @defaultValue all addresses */
  host?: string
}

/** Where WebSockets come in. */
export interface WebSocketOptions extends ListenOptions {
  /** To end TLS here. @defaultValue plain, for a proxy in front that ends it */
  tls?: TlsOptions | null
  /**
   * Addresses or networks of proxies: what they say in `X-Forwarded-For` is the address that limits and log go by. They must set it, or add to it, themselves.
   *
   * @defaultValue none
   */
  trustProxy?: readonly string[]
}

/** In PEM. */
export interface TlsOptions {
  /** The certificate, and those between it and the root. */
  readonly cert: string
  readonly key: string
}

/** Options of a {@link RelayServer}; a listener that is left out is not there. */
export interface RelayServerOptions extends PolicyOptions {
  /** Who it is: clients know it by the public key. */
  keyPair: KeyPair
  tcp?: ListenOptions | null
  ws?: WebSocketOptions | null
  /**
   * A node of hyperdht: the UDP plane answers on it, to the relay's key, for devices that name the relay in `relayThrough`. Borrowed.
   *
   * @defaultValue no UDP plane
   */
  dht?: DhtLike | null
  /** `/metrics`, `/health` and `/status` over HTTP. @defaultValue host 127.0.0.1, where it is given at all */
  metrics?: ListenOptions | null
  /** Connections that have not said who they are, at once. @defaultValue 1,000 */
  unknownConnections?: number
  /** Of these, from one address. Behind a proxy all have the same, unless it is in `ws.trustProxy`. @defaultValue 100 */
  unknownPerAddress?: number
  /** How long a device may take to say who it is, and then what it wants. @defaultValue 5,000 */
  greetingMs?: number
  /** Silence in both directions after which a session ends. @defaultValue 90,000 */
  idleMs?: number
  /**
   * How long what waits for the slower side of a session, some 64 KiB, may take to leave: a link that is slower than that is cut. @defaultValue 60,000
   */
  stalledMs?: number
  /** How long sessions may go on after `drain`. @defaultValue 10,000 */
  drainMs?: number
  /** How long an opener waits for a target that is registering anew. @defaultValue 5,000 */
  reparkMs?: number
  /**
   * Which relay of the same owner a device should ask instead: its public key, or `null` to serve it here. A device that has followed several, and insists, is not sent on.
   *
   * @defaultValue serve all
   */
  redirect?: (device: Uint8Array) => Uint8Array | null
  /**
   * The owner's other relays: this one then tells devices how it is and how they are, sends newcomers on where another one does better, and drains without
   * anybody noticing. `redirect` is asked first.
   *
   * @defaultValue it is alone
   */
  replicas?: FleetOptions | null
}
