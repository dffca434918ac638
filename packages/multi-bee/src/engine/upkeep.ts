import b4a from 'b4a'
import { LogCursor } from '../log/log-cursor.ts'
import { MAX_CHAIN_BLOCKS, MAX_RECORDS, MAX_RECORDS_PER_LOG } from '../log/limits.ts'
import { initialLogState } from '../log/log-state.ts'
import { provenFork, type LogFork } from '../log/fork-proof.ts'
import type { Doubt, OpLog } from '../log/op-log.ts'
import type { Successor } from '../log/succession.ts'
import type { Member } from '../membership/member.ts'
import type { ForkedWriter, MembershipRecord, Succession } from '../merge/transaction.ts'
import { lengthAt, withLength, type VersionVector } from '../merge/version-vector.ts'
import type { DeviceState } from './device-state.ts'
import { forksSaid } from './reissue.ts'

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
  const told = member.forkedAt === null ? null : toldFork(state, self, member.forkedAt)
  const forks = [told && { agreed: told.cutOff.length, proof: told.proof }, log.fork].filter(
    (fork) => fork !== null
  )
  if (forks.length > 0)
    return { reason: 'forked', fork: forks.reduce((a, b) => (b.agreed < a.agreed ? b : a)) }
  return log.isOvertaken || hasLostTail ? { reason: 'overtaken', fork: null } : null
}

/** A record that tells of a fork. */
function toldFork({ controls, writers }: DeviceState, writer: number, agreed: number): ForkedWriter | null {
  const key = writers.keyOf(writer)
  for (const record of controls.forks())
    if (record.cutOff.length === agreed && b4a.equals(record.writer, key)) return record
  return null
}

/**
 * Records that this device owes the others before it writes anything else: an `admit` for every log that a succession let in and that
 * its contexts could not name otherwise, and a `fork` for every log of which it has seen proof of two copies.
 */
export async function dueRecords(state: DeviceState): Promise<MembershipRecord[]> {
  const { self, logs, membership, writers } = state
  if (!membership.isActive(self)) return []
  const records: MembershipRecord[] = unnamedSuccessors(state).map((writer) => ({
    type: 'admit',
    writer: writers.keyOf(writer)
  }))
  for (const [writer, { log }] of logs) {
    const member = membership.get(writer)
    const { fork } = log
    if (fork === null || writer === self || member === undefined) continue
    // Where its last transaction before the place begins shows when all of it is here.
    if (log.available < fork.agreed) continue
    if (member.forkedAt !== null && member.forkedAt <= (await boundary(state, writer, fork.agreed))) continue
    if (await isChosen(log, member)) continue
    records.push(await forkRecord(state, writer, fork))
  }
  for (const [writer, said] of forksSaid(state)) {
    // What lies between is done again after it.
    const cutOff = membership.get(writer)?.forkedAt ?? said
    const fork = cutOff < said ? toldFork(state, writer, cutOff) : null
    if (fork !== null) records.push(fork)
  }
  // Of some forks only what they cut off may tell, and that not on every device.
  for (const fork of membership.unconfirmed)
    if (membership.get(writers.find(fork.writer)) !== undefined) records.push(fork)
  const room = MAX_RECORDS_PER_LOG - (logs.get(self)?.state.records ?? 0)
  return records
    .filter((record) => record.type !== 'fork' || !hasSaid(state, record))
    .slice(0, Math.min(room, MAX_RECORDS))
}

/** Whether this device's own log says so already. */
function hasSaid({ controls, self }: DeviceState, fork: ForkedWriter): boolean {
  return controls
    .of(self)
    .some(({ membership }) =>
      membership.some(
        (record) =>
          record.type === 'fork' &&
          b4a.equals(record.writer, fork.writer) &&
          record.cutOff.length <= fork.cutOff.length
      )
    )
}

/** Where the transaction begins that holds the block, by log and block. */
const boundaries = new WeakMap<OpLog, { block: number; start: number }>()

/** The last length at or below so many blocks that cuts no transaction in two. Cost: reads the log, once. */
async function boundary({ logs, writers }: DeviceState, writer: number, block: number): Promise<number> {
  const log = logs.get(writer)?.log
  if (log === undefined) return block
  const known = boundaries.get(log)
  if (known?.block === block) return known.start
  const cursor = new LogCursor(log, writers, 0, initialLogState(writer))
  for await (const { seq, length } of cursor.transactions()) if (seq + length > block) break
  const start = Math.min(block, cursor.position)
  boundaries.set(log, { block, start })
  return start
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

/**
 * Whether this device's copy of a removed writer's log is the one that its removal spoke of: then that says which copy counts. Without
 * this a stolen device could have all it ever wrote cut off, by signing another history.
 */
async function isChosen(log: OpLog, { removed, cutOff }: Member): Promise<boolean> {
  if (!removed || cutOff === null || cutOff.length <= (log.fork?.agreed ?? 0)) return false
  if (log.available < cutOff.length) return true
  const { treeHash } = await log.fingerprint(cutOff.length)
  return b4a.equals(treeHash, cutOff.treeHash)
}

export async function forkRecord(
  state: DeviceState,
  writer: number,
  { agreed, proof }: LogFork
): Promise<MembershipRecord> {
  const key = state.writers.keyOf(writer)
  const start = await boundary(state, writer, agreed)
  // What others told may lie inside a transaction, or past all that is held; of a length that far below the proof readers take no record.
  const length = start >= provenFork(proof, key) - MAX_CHAIN_BLOCKS ? start : agreed
  const log = state.logs.get(writer)?.log
  const fingerprint = log !== undefined && length <= log.available ? await log.fingerprint(length) : null
  return {
    type: 'fork',
    writer: key,
    cutOff: { length, fork: 0, treeHash: fingerprint?.treeHash ?? new Uint8Array(32) },
    proof
  }
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
