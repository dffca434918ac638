/**
 * My devices always find and reach each other: directly, else through a relay of my own, which cannot read what they say.
 *
 * @packageDocumentation
 */
export { RelayClient } from './client/relay-client.ts'
export type { LanLike } from './client/find-on-lan.ts'
export type { PeerAddresses } from './addresses/peer-addresses.ts'
export type { RelayAddress, ShownGrant } from './addresses/relay-address.ts'
export type { ClientTimes, ConnectOptions, RelayClientEvents, RelayClientOptions } from './client/options.ts'
export type { TrustedOwner } from './records/trusted-owner.ts'
export type { Publishing, ReplicasOptions } from './client/replica-options.ts'
export { RelayError, type RelayErrorCode, type RelayErrorOptions } from './errors.ts'
export type { PathInfo, PathKind } from './paths/path.ts'
export {
  ALL_SCOPES,
  createGrant,
  type Grant,
  GRANT_BYTES,
  type GrantOptions,
  readGrant,
  SCOPE
} from './policy/grant.ts'
export type { SessionTimes } from './session/times.ts'
export type { Connection, ConnectionEvents, KeyPair } from './types.ts'
export { DeviceRecord, type DeviceRecordFields } from './records/device-record.ts'
export { DrainPace, type DrainPaceOptions } from './replicas/drain-pace.ts'
export {
  Heartbeat,
  type HeartbeatFields,
  HeartbeatSource,
  type HeartbeatSourceOptions
} from './replicas/heartbeat.ts'
export { loadOf, type Usage } from './replicas/load.ts'
export { type PickOptions, pickReplica } from './replicas/pick-replica.ts'
export { type RedirectOptions, redirectTarget, RedirectTrail } from './replicas/redirect.ts'
export { type Replica, ReplicaSet } from './replicas/replica-set.ts'
export {
  type ReplicaState,
  type ReplicaStatus,
  ReplicaView,
  type ReplicaViewOptions
} from './replicas/replica-view.ts'
