/**
 * The model of MERGE.md as plain data: what one device holds, and what it then shows.
 *
 * Writers and entry keys are lower-case hex, so that comparing the strings compares the bytes.
 */

/** An entry or a field. `text` is canonical JSON. */
export type Value = { kind: 'document'; text: string } | { kind: 'opaque'; hex: string }

/**
 * One change; its place in `Transaction.operations` is the index in its dot.
 * `seen` is the whole vector, the own writer included, where it was lowered; absent = the transaction's
 * context.
 */
export type Operation =
  | { type: 'assign'; key: string; path: string[]; value: Value; seen?: Record<string, number> }
  | { type: 'unset'; key: string; path: string[]; seen?: Record<string, number> }

/** A change of who may write. */
export type Membership =
  | { type: 'genesis'; deleteWins: boolean; ownerKey: string | null; name: string }
  | { type: 'add'; writer: string; name: string }
  | { type: 'remove'; writer: string; length: number }
  | { type: 'fork'; writer: string; length: number }
  | { type: 'succeed'; previous: string }
  | { type: 'admit'; writer: string }
  | { type: 'again'; writer: string; from: number }

/**
 * One block, or a chain of `length` blocks. `ms` and `counter` are as written: the running maximum is not
 * applied yet. `context` may leave out the author, for whom it is always `seq`.
 */
export interface Transaction {
  seq: number
  length: number
  ms: number
  counter: number
  context: Record<string, number>
  membership: Membership[]
  operations: Operation[]
}

/**
 * What a device holds: of each log the transactions from seq 0 on without a gap. `first` is the first log's
 * key.
 */
export interface World {
  first: string
  logs: Record<string, Transaction[]>
}

/** Names an operation and gives it its place in canonical order. `ms` and `counter` are those that count. */
export interface Dot {
  ms: number
  counter: number
  writer: string
  seq: number
  index: number
}

/**
 * A writer that is or was a member. `cutOff` is null until a `remove` or a `fork` names it, `removed` says that
 * a `remove` did. `previous` is the writer it succeeds, null when it stands at the beginning of its line.
 */
export interface Member {
  writer: string
  name: string
  cutOff: number | null
  removed: boolean
  previous: string | null
}

/** What lost at a shown path. `value` is null exactly when `deleted`. */
export interface Conflict {
  path: string[]
  value: Value | null
  deleted: boolean
  writer: string
  ms: number
  counter: number
}

/** One operation that counts. */
export interface HistoryItem {
  writer: string
  seq: number
  index: number
  key: string
  type: 'assign' | 'unset'
  path: string[]
  ms: number
  counter: number
}

/** A leaf, presence marker or tombstone. `value` is null for the last two. */
export interface Element {
  kind: 'leaf' | 'marker' | 'tombstone'
  path: string[]
  value: Value | null
  dot: Dot
}

/** What MERGE.md says about a world. The three counts are in blocks; a writer with none is left out. */
export interface OracleState {
  deleteWins: boolean
  ownerKey: string | null
  /** In order of joining. */
  members: Member[]
  /** The cut-off of each writer that a fork was found of, members or not. */
  forks: Record<string, number>
  /** The end of the last walked transaction, in blocks; a writer with none is left out. */
  walked: Record<string, number>
  /** The writers that a context of this author knows. */
  known: (author: string, context: Record<string, number>) => string[]
  /** The known forks that a device has to say in this log of its own; none when it may not write. */
  toSay: (author: string) => Array<Membership & { type: 'fork' }>
  applied: Record<string, number>
  /** Held, not applied, seq below the cut-off; and everything held of a writer that is no member. */
  waiting: Record<string, number>
  /** Held, not applied, seq at or past the cut-off. */
  quarantined: Record<string, number>
  /** Shown entries, in order of their keys. */
  entries: Map<string, Value>
  conflicts: (key: string) => Conflict[]
  /** Operations of applied transactions, in canonical order. */
  history: HistoryItem[]
  /** Elements that remain, in canonical order, then by path. For looking inside. */
  remaining: (key: string) => Element[]
  /** Whether a presence marker remains at the path: what a put of `{}` has to know. */
  hasMarker: (key: string, path: string[]) => boolean
}
