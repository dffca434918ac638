import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import { isAtOrBelow, type Path } from '../merge/path.ts'
import type { Operation, Transaction } from '../merge/transaction.ts'
import { withLength } from '../merge/version-vector.ts'
import { keyId } from '../view/key-id.ts'
import { appliedLength, type DeviceState } from './device-state.ts'
import type { Base, WriteRequest } from './requests.ts'

/** What of a log that this device wrote before is to be done again. */
interface Tail {
  writer: number
  /** Blocks of its log: the cut-off, and the one before, or infinity. */
  from: number
  until: number
}

/** The transactions past a writer's cut-off that are here, in the order of its log. */
export async function* quarantinedTransactions(
  { membership, logs, applied }: DeviceState,
  writer: number
): AsyncGenerator<Transaction> {
  const cutOff = membership.get(writer)?.cutOff
  const cursor = logs.get(writer)?.cursor.clone()
  if (!cutOff || cursor === undefined) return
  const end = Math.max(cutOff.length, applied[writer] ?? 0)
  for await (const transaction of cursor.transactions()) if (transaction.seq >= end) yield transaction
}

/** The lowest cut-offs of this device's own earlier logs that it has said itself, in blocks. */
export function forksSaid(state: DeviceState): Map<number, number> {
  const said = new Map<number, number>()
  for (const { writer, length } of ownForks(state))
    said.set(writer, Math.min(length, said.get(writer) ?? Infinity))
  return said
}

/**
 * What the present log's last word on forks of this device's own earlier logs calls for.
 *
 * @returns `seq` of that word: what is done again stands right after it
 */
export function lastTails(state: DeviceState): { seq: number; tails: Tail[] } {
  const said = new Map<number, number>()
  let last: { seq: number; tails: Tail[] } = { seq: 0, tails: [] }
  for (const { author, seq, writer, length } of ownForks(state)) {
    const until = said.get(writer) ?? Infinity
    if (length >= until) continue
    said.set(writer, length)
    // A copied store cannot tell what of its first log's end has been replaced since.
    if (author !== state.self || (until === Infinity && seq > 0)) continue
    if (seq !== last.seq) last = { seq, tails: [] }
    const known = last.tails.find((tail) => tail.writer === writer)
    if (known === undefined) last.tails.push({ writer, from: length, until })
    else known.from = length
  }
  return last
}

/** What this device's logs, the present one last, say of forks of those before it. */
function* ownForks(
  state: DeviceState
): Generator<{ author: number; seq: number; writer: number; length: number }> {
  const { controls, self, writers } = state
  const logs = [...earlierLogs(state), self]
  for (const [place, author] of logs.entries()) {
    // Of a log that came later only another device tells in an earlier one: the original of a clone.
    const earlier = logs.slice(0, place)
    for (const { seq, membership } of controls.of(author))
      for (const record of membership) {
        const writer = record.type === 'fork' ? writers.find(record.writer) : -1
        if (record.type === 'fork' && earlier.includes(writer))
          yield { author, seq, writer, length: record.cutOff.length }
      }
  }
}

/** The logs that this device's present one goes on from, the first one first. Not those of a clone, which go on from the same. */
function earlierLogs({ membership, self }: DeviceState): number[] {
  const logs: number[] = []
  for (let log = membership.get(self)?.previous; log != null; log = membership.get(log)?.previous)
    logs.unshift(log)
  return logs
}

/**
 * What this device's own logs held past a cut-off, to be done again. Each transaction has seen what it had seen when it was written, and
 * of this device's present log all there is: so it competes with what others did meanwhile, and does not replace it.
 * Nothing else may be written in between. After a crash it goes on where it stopped: others may have built on what was done again.
 */
export async function* ownTail(state: DeviceState): AsyncGenerator<WriteRequest> {
  const { seq, tails } = lastTails(state)
  if (tails.length === 0) return
  let done = await countOwn(state, seq)
  for (const tail of tails) {
    const later = await changedLater(state, tail, seq)
    for await (const { operations, context } of transactionsOf(state, tail)) {
      const left = operations.filter((operation) => !isOverwritten(operation, later))
      if (left.length === 0 || done-- > 0) continue
      const own = appliedLength(state, state.self)
      // Writes of one key go together when they name one base; in the log, too, they had seen the same.
      const bases = new Map<string, Base>()
      const writes = left.map(({ key, path, value, seen }) => {
        // What this device changed of the key afterwards is not to be replaced by what it wrote before.
        const known = later.has(keyId(key)) ? 0 : own
        const base = bases.get(keyId(key)) ?? {
          version: state.version,
          vector: withLength(seen ?? context, state.self, known)
        }
        bases.set(keyId(key), base)
        return { key, intent: { type: 'resolve' as const, path, value }, base, compare: null }
      })
      yield { type: 'write', writes, atomic: true }
    }
  }
}

async function* transactionsOf(
  state: DeviceState,
  { writer, from, until }: Tail
): AsyncGenerator<Transaction> {
  for await (const transaction of quarantinedTransactions(state, writer))
    if (transaction.seq >= from && transaction.seq < until) yield transaction
}

/**
 * Paths of the tail's keys that this device has changed since, by key: in the same log, in those that came after it, and in the present
 * one before a block. Nothing for a tail that goes to the end of a log. Cost: reads these logs.
 */
async function changedLater(state: DeviceState, tail: Tail, seq: number): Promise<Map<string, Path[]>> {
  const changed = new Map<string, Path[]>()
  if (tail.until === Infinity) return changed
  const keys = new Set<string>()
  for await (const { operations } of transactionsOf(state, tail))
    for (const { key } of operations) keys.add(keyId(key))
  const line = [...earlierLogs(state), state.self]
  for (const writer of line.slice(line.indexOf(tail.writer))) {
    const [start, end] = [writer === tail.writer ? tail.until : 0, writer === state.self ? seq : Infinity]
    for await (const { seq: at, operations } of wholeLog(state, writer)) {
      if (at >= end) break
      if (at < start) continue
      for (const { key, path } of operations) {
        const id = keyId(key)
        if (keys.has(id)) changed.set(id, [...(changed.get(id) ?? []), path])
      }
    }
  }
  return changed
}

function isOverwritten({ key, path }: Operation, later: ReadonlyMap<string, readonly Path[]>): boolean {
  return later.get(keyId(key))?.some((above) => isAtOrBelow(path, above)) ?? false
}

/** Transactions with operations in this device's present log, after a block. */
async function countOwn(state: DeviceState, seq: number): Promise<number> {
  let count = 0
  for await (const transaction of wholeLog(state, state.self))
    if (transaction.seq > seq && transaction.operations.length > 0) count++
  return count
}

async function* wholeLog({ logs, writers }: DeviceState, writer: number): AsyncGenerator<Transaction> {
  const log = logs.get(writer)?.log
  if (log !== undefined) yield* new LogCursor(log, writers, 0, initialLogState(writer)).transactions()
}
