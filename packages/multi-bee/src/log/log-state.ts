import type { VersionVector } from '../merge/version-vector.ts'

/** What a block's encoding leans on: the state of its log just before it. Immutable. */
export interface LogState {
  /** Local ids of the writers this log has mentioned, in order of first mention; its own comes first. */
  table: readonly number[]
  /** The last transaction's context. */
  context: VersionVector
  /** The greatest time so far. */
  ms: number
  counter: number
  /** Membership records so far. */
  records: number
  /** Blocks so far that did not decode. */
  malformed: number
}

export function initialLogState(writer: number): LogState {
  return { table: [writer], context: [], ms: 0, counter: 0, records: 0, malformed: 0 }
}
