import { MAX_RECORDS, MAX_RECORDS_PER_LOG } from '../log/limits.ts'
import type { LogFork } from '../log/fork-proof.ts'
import type { Doubt, OpLog } from '../log/op-log.ts'
import type { Successor } from '../log/succession.ts'
import type { MembershipRecord, Succession } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { DeviceState } from './device-state.ts'
import { dueForks, knownFork } from './fork-records.ts'

/** A log that this device goes on in. */
export interface Epoch {
  log: OpLog
  succession: Succession
  reason: Doubt
  /** Of the log before, when it was forked. */
  fork: LogFork | null
}

/** Why this device must go on in a new log, and where copies of the present one part; `null` when it need not, or may not. */
export function doubtAbout(state: DeviceState): { reason: Doubt; fork: LogFork | null } | null {
  const { self, hasLostTail, logs, membership } = state
  const member = membership.get(self)
  const log = logs.get(self)?.log
  if (member === undefined || member.removed || log === undefined) return null
  const fork = knownFork(state, self)
  if (fork !== null) return { reason: 'forked', fork }
  return log.isOvertaken || hasLostTail ? { reason: 'overtaken', fork: null } : null
}

/**
 * Records that this device owes the others before it writes anything else: an `admit` for every log that a succession let in and that
 * its contexts could not name otherwise, and a `fork` for every log of which it has seen proof of two copies.
 */
export async function dueRecords(state: DeviceState): Promise<MembershipRecord[]> {
  const { self, logs, membership, writers } = state
  if (!membership.isActive(self)) return []
  const admits = unnamedSuccessors(state).map((writer) => ({
    type: 'admit' as const,
    writer: writers.keyOf(writer)
  }))
  // One is left for the record that what a fork has cut off is done again.
  const room = Math.max(0, MAX_RECORDS_PER_LOG - 1 - (logs.get(self)?.state.records ?? 0))
  return [...admits, ...(await dueForks(state))].slice(0, Math.min(room, MAX_RECORDS))
}

/** Logs that a succession let in and that this device's contexts cannot name. Asked before every turn: one look at the members for all. */
function unnamedSuccessors({ self, membership, applied }: DeviceState): number[] {
  const successors = membership.members.filter(({ previous }) => previous !== null)
  if (successors.length === 0) return []
  const named: number[] = []
  for (const { writer } of successors) {
    while (named.length <= writer) named.push(0)
    named[writer] = 1
  }
  const known = membership.admitted(named, { writer: self, context: applied })
  return successors.map(({ writer }) => writer).filter((writer) => lengthAt(known, writer) === 0)
}

/** What is applied, as far as every other device can have it: of a forked log only what all copies agree on. */
export function appliedEverywhere({ applied, logs, leaving }: DeviceState): VersionVector {
  let result = leaving === null ? applied : atMost(applied, leaving.writer, leaving.agreed)
  for (const [writer, { log }] of logs)
    if (log.fork !== null) result = atMost(result, writer, log.fork.agreed)
  return result
}

function atMost(vector: VersionVector, writer: number, length: number): VersionVector {
  return length < lengthAt(vector, writer) ? withLength(vector, writer, length) : vector
}

/** All successions that are known, with the log that each opens. */
export function successions({ controls, writers }: DeviceState): Successor[] {
  const known: Successor[] = []
  for (const [writer, [control]] of controls.entries()) {
    const record = control?.membership[0]
    if (record?.type === 'succeed') known.push({ writer: writers.keyOf(writer), succession: record })
  }
  return known
}
