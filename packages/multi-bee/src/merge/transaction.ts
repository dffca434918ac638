import type { Path } from './path.ts'
import type { VersionVector } from './version-vector.ts'

/** A value as the merge sees it. */
export interface Value {
  /** `true`: canonical JSON, merged field by field. `false`: opaque bytes, one leaf. */
  document: boolean
  bytes: Uint8Array
}

/** One change of one key. Its dot is (writer, seq of its transaction, its index there). */
export interface Operation {
  key: Uint8Array
  path: Path
  /** What is put there; `null` removes what was seen at and below the path. */
  value: Value | null
  /** What its author had seen, when that is less than the transaction's context. */
  seen: VersionVector | null
}

/** First record of a database, in the first block of its first log. */
export interface Genesis {
  type: 'genesis'
  deleteWins: boolean
  ownerKey: Uint8Array | null
  name: string
}

interface AddWriter {
  type: 'add'
  writer: Uint8Array
  name: string
}

/** What of a removed writer's log still counts. */
export interface CutOff {
  /** In blocks. */
  length: number
  fork: number
  /** Root hash of the log's Merkle tree at that length. */
  treeHash: Uint8Array
}

interface RemoveWriter {
  type: 'remove'
  writer: Uint8Array
  cutOff: CutOff
}

/** A writer signed two different blocks for one place. All copies of its log agree up to the cut-off. */
export interface ForkedWriter {
  type: 'fork'
  writer: Uint8Array
  cutOff: CutOff
  /** That it did: see `log/fork-proof.ts`. */
  proof: Uint8Array
}

/** First record of a log in which a device goes on that wrote another one before. */
export interface Succession {
  type: 'succeed'
  /** Key of the log before. */
  previous: Uint8Array
  /** Of the key pair that signs `previous`. */
  publicKey: Uint8Array
  signature: Uint8Array
}

/** From here on the author's contexts may name a writer that a succession lets in. */
interface AdmitWriter {
  type: 'admit'
  writer: Uint8Array
}

/** All that the device of this log wrote past the cut-off of an earlier one of its logs, from this length on, is done again. Changes nothing. */
interface DoneAgain {
  type: 'again'
  writer: Uint8Array
  /** In blocks. */
  from: number
}

export type MembershipRecord =
  | Genesis
  | AddWriter
  | RemoveWriter
  | ForkedWriter
  | Succession
  | AdmitWriter
  | DoneAgain

/** Where a transaction stands. */
export interface Place {
  /** Local number. */
  writer: number
  seq: number
}

/** What one device did at once: one block, or a chain of blocks, of its log. All or nothing everywhere. */
export interface Transaction {
  /** Local number of the writer. */
  writer: number
  /** Index of its first block. */
  seq: number
  /** In blocks. */
  length: number
  /** Hybrid time, never earlier than the writer's previous transaction. */
  ms: number
  counter: number
  /** What its author had applied; for the author itself its own `seq`. */
  context: VersionVector
  /** The transaction of an earlier log of the same device that this one does again. */
  again: Place | null
  membership: readonly MembershipRecord[]
  operations: readonly Operation[]
}

/** Identifies an operation, and places it in the canonical order. */
export interface Dot {
  writer: number
  seq: number
  index: number
  ms: number
  counter: number
}
