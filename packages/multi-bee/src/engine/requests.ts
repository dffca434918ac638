import type { MembershipRecord, Place, Value } from '../merge/transaction.ts'
import type { Path } from '../merge/path.ts'
import type { VersionVector } from '../merge/version-vector.ts'

/** What a read had seen: a version of this device's view, and the blocks it covered. */
export interface Base {
  version: number
  vector: VersionVector
}

/** Decides whether a write goes ahead; `previous` is what is shown at its turn. */
export type Compare = (
  previous: { version: number; value: Value } | null,
  nextVersion: number
) => boolean | Promise<boolean>

/** One intended change of one key. */
export interface Write {
  key: Uint8Array
  /** Put this as the whole entry, as a diff; or do exactly this at a path. */
  intent:
    | { type: 'put'; value: Value }
    | { type: 'del' }
    | { type: 'resolve'; path: Path; value: Value | null }
  /** `null`: against what is shown at its turn. */
  base: Base | null
  compare: Compare | null
}

export interface WriteRequest {
  type: 'write'
  /** Several writes are one transaction. */
  writes: readonly Write[]
  /** Alone in its transaction. */
  atomic: boolean
  /** What it does again; only when it is atomic. */
  again?: Place | null
}

interface MembershipRequest {
  type: 'membership'
  records: readonly MembershipRecord[]
  /** What they do again. */
  again?: Place | null
}

export type LocalRequest = WriteRequest | MembershipRequest
