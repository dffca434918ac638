export { RelayError, type RelayErrorCode } from './errors.ts'
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
