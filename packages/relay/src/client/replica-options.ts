import type { ShownGrant } from '../addresses/relay-address.ts'

/** The replicas of an owner, in place of `relays`. */
export interface ReplicasOptions {
  /** 32 bytes: who signs the set. */
  readonly owner: Uint8Array
  /** Bytes of a `ReplicaSet`, the newest the app has: what is on its disk is its own affair. */
  readonly set: Uint8Array
  /** What this device shows at all of them. @defaultValue nothing: it is on their allow-lists */
  readonly grant?: ShownGrant
  /** At how many of them this device is registered. @defaultValue 2, or all where there are fewer */
  readonly registrations?: number
  /** A newer set has come, which the owner has signed: an app that keeps it has it at the next start. @defaultValue it is learned anew then */
  readonly onset?: (set: Uint8Array) => void
}

/** Where a device's record goes: to its relays and the DHT, to its relays, nowhere. */
export type Publishing = 'everywhere' | 'relays' | 'nowhere'
