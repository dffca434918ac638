import type { KeyPair } from '../types.ts'
import type { DhtLike } from '../udp/dht.ts'
import type { FleetOptions } from '../replicas/fleet-member.ts'
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
  /** Certificate chain and key in PEM, to end TLS here. @defaultValue plain, for a proxy in front that ends it */
  tls?: { readonly cert: string; readonly key: string } | null
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
  /** `/metrics` and `/health` over HTTP. @defaultValue host 127.0.0.1, where it is given at all */
  metrics?: ListenOptions | null
  /** Connections that have not said who they are, at once. @defaultValue 1,000 */
  unknownConnections?: number
  /** Of these, from one address. Behind a proxy all have the same: raise it there. @defaultValue 100 */
  unknownPerAddress?: number
  /** How long a device may take to say who it is, and then what it wants. @defaultValue 5,000 */
  greetingMs?: number
  /** Silence in both directions after which a session ends. @defaultValue 90,000 */
  idleMs?: number
  /** How long the slower side of a session may take nothing at all. @defaultValue 60,000 */
  stalledMs?: number
  /** How long sessions may go on after `drain`. @defaultValue 10,000 */
  drainMs?: number
  /** How long an opener waits for a target that is registering anew. @defaultValue 5,000 */
  reparkMs?: number
  /**
   * Which relay of the same owner a device should ask instead: its public key, or `null` to serve it here.
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
