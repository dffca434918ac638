import { applyOperations, type Stamped } from '../merge/apply-operations.ts'
import { EMPTY_REGISTER } from '../merge/register.ts'
import type { LogCursor } from '../log/log-cursor.ts'
import { shownValue } from '../merge/show.ts'
import type { Transaction } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'
import type { Membership } from '../membership/membership.ts'
import type { Stored } from '../view/record.ts'
import type { View } from '../view/view.ts'
import type { Change } from './change.ts'
import {
  appliedLength,
  currentMembership,
  deleteWins,
  noteApplied,
  noteRead,
  type DeviceState
} from './device-state.ts'
import { keyId } from '../view/key-id.ts'

/** Operations that are applied in one go, and their bytes. */
const CHUNK_OPERATIONS = 2048
const CHUNK_BYTES = 16 * 1024 * 1024

/** With more membership records than these, membership is worked out for all that are here at once, and not for each transaction. */
const FEW_RECORDS = 128

/** Transactions that may be applied now, in an order that respects what each has seen. */
export interface Chunk {
  transactions: Transaction[]
  /** Membership with the chunk, when it changes it: then it is one transaction. */
  membership: Membership | null
}

/**
 * Collects what can be applied next. Passes it on the logs' cursors, so it must be installed.
 *
 * @returns null when membership has to be worked out anew first; what may change it was noted as read
 */
export async function collectChunk(state: DeviceState): Promise<Chunk | null> {
  const chunk: Chunk = { transactions: [], membership: null }
  const positions = new Map<number, number>()
  const has = (writer: number): number => positions.get(writer) ?? appliedLength(state, writer)
  let operations = 0
  let bytes = 0
  for (let moved = true; moved;) {
    moved = false
    for (const { writer } of state.membership.members) {
      const cursor = state.logs.get(writer)?.cursor
      if (cursor === undefined) continue
      while (await isNextReady(cursor, state.membership, has)) {
        const next = await cursor.peek()
        if (next === null) break
        // Not before membership says what it says: that is what makes a membership that lets more in a mere addition.
        if (next.membership.length > 0 && next.seq >= lengthAt(state.membership.walked, writer)) {
          // What stands before it is installed first, under the membership it was read with.
          if (chunk.transactions.length > 0) return chunk
          const isNew = !state.controls.has(next)
          noteRead(state, next)
          if (isNew && state.controls.records > FEW_RECORDS) return null
          chunk.membership = currentMembership(state)
          if (!chunk.membership.extends(state.membership)) return null
        }
        cursor.advance()
        positions.set(writer, next.seq + next.length)
        chunk.transactions.push(next)
        operations += next.operations.length + 1
        // A context is as long as the list of all writers, however short it is in its block.
        bytes += 8 * next.context.length
        for (const { key, value } of next.operations) bytes += key.byteLength + (value?.bytes.byteLength ?? 0)
        moved = true
        if (operations >= CHUNK_OPERATIONS || bytes >= CHUNK_BYTES || chunk.membership !== null) return chunk
      }
    }
  }
  for (const { cursor } of state.logs.values()) cursor.rest()
  return chunk
}

async function isNextReady(
  cursor: LogCursor,
  membership: Membership,
  has: (writer: number) => number
): Promise<boolean> {
  const next = await cursor.peekHead()
  return next !== null && membership.isReady(next, has)
}

/** A key that a chunk changes: what it was, and what it becomes. */
interface Touched extends Change {
  prior: Stored | null
}

/** Loads what a chunk touches, by key id, so that {@link installChunk} need not wait. Nothing else may be installed in between. */
export async function loadTouched(chunk: Chunk, view: View): Promise<Map<string, Touched>> {
  const touched = new Map<string, Touched>()
  for (const { operations } of chunk.transactions)
    for (const { key } of operations) touched.set(keyId(key), { key, prior: null, register: EMPTY_REGISTER })
  const entries = [...touched.values()]
  const stored = await view.load(entries.map(({ key }) => key))
  for (const [i, entry] of entries.entries()) {
    entry.prior = stored[i] ?? null
    entry.register = entry.prior?.register ?? EMPTY_REGISTER
  }
  return touched
}

/**
 * Applies a chunk to the view and the state. Synchronous: readers see all of it or nothing, so that each key gets one new record, at the
 * version of the chunk's last transaction; nobody can have read one in between.
 *
 * @param touched - of the chunk; becomes what the chunk makes of it
 */
export function installChunk(
  chunk: Chunk,
  touched: ReadonlyMap<string, Touched>,
  view: View,
  state: DeviceState
): Change[] {
  if (chunk.membership !== null) state.membership = chunk.membership
  const { membership } = state
  for (const transaction of chunk.transactions) {
    noteApplied(state, transaction)
    const log = state.logs.get(transaction.writer)
    if (log !== undefined) log.state = log.cursor.state
    for (const [id, operations] of operationsByKey(transaction, membership)) {
      const entry = touched.get(id)
      if (entry === undefined) continue
      entry.register = applyOperations(entry.register, operations, deleteWins(state))
    }
  }
  const { version, writers } = state
  const changes = [...touched.values()]
  for (const { key, prior, register } of changes)
    view.install(key, { version, register, shown: shownValue(register, writers) }, prior)
  return changes
}

/** The operations of a transaction as they count under a membership, by key id. */
export function operationsByKey(transaction: Transaction, membership: Membership): Map<string, Stamped[]> {
  const { writer, seq, ms, counter } = transaction
  const admitted = new Map<VersionVector, VersionVector>()
  const byKey = new Map<string, Stamped[]>()
  for (const [index, operation] of transaction.operations.entries()) {
    const vector = operation.seen ?? transaction.context
    let seen = admitted.get(vector)
    if (seen === undefined) admitted.set(vector, (seen = membership.admitted(vector, transaction)))
    const stamped = { operation, dot: { writer, seq, index, ms, counter }, seen }
    const id = keyId(operation.key)
    const others = byKey.get(id)
    if (others === undefined) byKey.set(id, [stamped])
    else others.push(stamped)
  }
  return byKey
}
