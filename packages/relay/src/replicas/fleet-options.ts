import type { KeyPair } from '../types.ts'
import type { Heartbeat } from './heartbeat.ts'

/** A relay as one of several of its owner. */
export interface FleetOptions {
  /** 32 bytes: who signs the set. */
  readonly owner: Uint8Array
  /** Bytes of a `ReplicaSet` that names this relay; kept, and brought by the app. */
  readonly set: Uint8Array
  /** Higher than in every earlier life of this relay. @defaultValue milliseconds since 1970 */
  readonly epoch?: number
  /** Where there is no `epoch`: the first one is not below this. @defaultValue 0 */
  readonly leastEpoch?: number
  /** A newer set has come from one of the others: an app that keeps it has it at the next start. @defaultValue it is learned anew then */
  readonly onset?: (set: Uint8Array) => void
  /** How often the others are asked for a beat, and this one's load is measured; three that are missed are a death. @defaultValue 1,000 */
  readonly intervalMs?: number
  /** What this relay can bear: what makes its load. A relay redirects from 0.9 of it on, and still serves who is nowhere else wanted. */
  readonly capacity?: {
    /** Connections of devices at once. @defaultValue `limits.totalConnections` */
    readonly connections?: number
    /** @defaultValue not counted */
    readonly bytesPerSecond?: number
  }
}

/** What a `FleetMember` asks of its relay. */
export interface FleetHost {
  readonly keyPair: KeyPair
  /** Milliseconds. */
  now(): number
  connections(): number
  readonly maxConnections: number
  /** Another replica of the owner's, which may watch this one, and no more. */
  admit(key: Uint8Array): void
  /** It is no longer one. */
  dismiss(key: Uint8Array): void
  /** Passes a beat on to the devices that are registered, and to who watches where it is this relay's own. */
  tell(record: Uint8Array, isOwn: boolean): void
  /** Hints to the devices that are registered that a replica may be dead. @param last - the beat after which it has missed three */
  tellMissing(last: Heartbeat): void
  /** There is a newer set. */
  tellSet(): void
}
