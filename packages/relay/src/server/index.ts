/**
 * The relay itself, for a device that is always on.
 *
 * @packageDocumentation
 */
export { type Held, Lease } from '../policy/lease.ts'
export {
  type PolicyLimits,
  type PolicyOptions,
  RelayPolicy,
  type ServedDevice
} from '../policy/relay-policy.ts'
export type { FleetOptions } from '../replicas/fleet-member.ts'
export type { Refusal } from '../protocol/refusal.ts'
export type { Wire, WireEvents } from '../wires/wire.ts'
export type { ListenOptions, RelayServerOptions, TlsOptions, WebSocketOptions } from './options.ts'
export { RelayServer, type RelayServerEvents } from './relay-server.ts'
export type {
  ConnectionLike,
  DhtLike,
  DhtServerLike,
  KnockLike,
  RawStreamLike,
  UdpSocketLike
} from '../udp/dht.ts'
export { type UdpObserver, UdpPlane, type UdpPlaneOptions, type UdpStats } from '../udp/udp-plane.ts'
