import type { ShownGrant } from '../addresses/relay-address.ts'

/** Whose relays may be used: only addresses that such an owner has signed are ever dialled. */
export interface TrustedOwner {
  /** 32 bytes: who signs the replica set. */
  readonly owner: Uint8Array
  /** What this device shows at its relays. @defaultValue nothing */
  readonly grant?: ShownGrant
}
