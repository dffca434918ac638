import b4a from 'b4a'
import { LogCursor } from '../log/log-cursor.ts'
import { MAX_CHAIN_BLOCKS } from '../log/limits.ts'
import { initialLogState } from '../log/log-state.ts'
import { provenFork, type LogFork } from '../log/fork-proof.ts'
import type { OpLog } from '../log/op-log.ts'
import type { Member } from '../membership/member.ts'
import type { ForkedWriter } from '../merge/transaction.ts'
import type { DeviceState } from './device-state.ts'

/** Where copies of a writer's log part, by what is told of it and what peers have proven; `null` when they are not known to. */
export function knownFork({ membership, logs, writers }: DeviceState, writer: number): LogFork | null {
  const record = membership.forks.find((fork) => writers.find(fork.writer) === writer)
  const told = record === undefined ? null : { agreed: record.cutOff.length, proof: record.proof }
  return earlierFork(told, logs.get(writer)?.log.fork ?? null)
}

export function earlierFork(a: LogFork | null, b: LogFork | null): LogFork | null {
  if (a === null || b === null) return a ?? b
  return b.agreed < a.agreed ? b : a
}

/** Records of all forks that this device knows of, or has seen proof of, and that its own log does not tell. */
export async function dueForks(state: DeviceState): Promise<ForkedWriter[]> {
  const { self, logs, membership, writers } = state
  const records: ForkedWriter[] = []
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
  // What this device has heard may not be heard where another copy is held.
  for (const fork of membership.forks) if (logs.has(writers.find(fork.writer))) records.push(fork)
  return records.filter((record) => !hasSaid(state, record))
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
): Promise<ForkedWriter> {
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
