/**
 * The relay itself, for a device that is always on.
 *
 * @packageDocumentation
 */
export { type Held, Lease } from '../policy/lease.ts'
export type { ServedDevice } from '../policy/accounts.ts'
export type { PolicyLimits } from '../policy/limits.ts'
export { type PolicyOptions, RelayPolicy } from '../policy/relay-policy.ts'
export type { FleetOptions } from '../replicas/fleet-options.ts'
export type { Refusal } from '../protocol/refusal.ts'
export type { Wire, WireEvents } from '../wires/wire.ts'
export type { ListenOptions, RelayServerOptions, TlsOptions, WebSocketOptions } from './options.ts'
export type { UpgradeRequest, UpgradeSocket } from './web-sockets.ts'
export { RelayServer, type RelayServerEvents } from './relay-server.ts'
export type {
  ConnectionLike,
  DhtLike,
  DhtServerLike,
  KnockLike,
  RawStreamLike,
  UdpSocketLike
} from '../udp/dht.ts'
export type { UdpObserver } from '../udp/udp-observer.ts'
export { UdpPlane, type UdpPlaneOptions, type UdpStats } from '../udp/udp-plane.ts'
