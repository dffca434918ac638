import { applyOperation, EMPTY_REGISTER } from '../merge/register.ts'
import { shownValue } from '../merge/show.ts'
import type { Transaction } from '../merge/transaction.ts'
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

/** Transactions that may be applied now, in an order that respects what each has seen. */
export interface Chunk {
  transactions: Transaction[]
  /** By writer: blocks that did not decode. */
  malformed: Map<number, number>
  /** Membership with the chunk, when it changes it: then it is one transaction. */
  membership: Membership | null
}

/**
 * Collects what can be applied next. Passes it on the logs' cursors, so it must be installed.
 *
 * @returns null when the next transaction changes membership in a way that does more than let somebody in; it is noted as read
 */
export async function collectChunk(state: DeviceState): Promise<Chunk | null> {
  const chunk: Chunk = { transactions: [], malformed: new Map(), membership: null }
  const positions = new Map<number, number>()
  const has = (writer: number): number => positions.get(writer) ?? appliedLength(state, writer)
  let operations = 0
  let bytes = 0
  for (let moved = true; moved;) {
    moved = false
    for (const { writer } of state.membership.members) {
      const cursor = state.logs.get(writer)?.cursor
      if (cursor === undefined) continue
      for (
        let next = await cursor.peek();
        next !== null && state.membership.isReady(next, has);
        next = await cursor.peek()
      ) {
        if (next.membership.length > 0) {
          // What stands before it is installed first, under the membership it was read with.
          if (chunk.transactions.length > 0) return chunk
          chunk.membership = currentMembership(state, next)
          if (!chunk.membership.extends(state.membership)) {
            noteRead(state, next)
            return null
          }
        }
        if (cursor.isMalformed) chunk.malformed.set(writer, (chunk.malformed.get(writer) ?? 0) + 1)
        cursor.advance()
        positions.set(writer, next.seq + next.length)
        chunk.transactions.push(next)
        operations += next.operations.length + 1
        for (const { key, value } of next.operations) bytes += key.byteLength + (value?.bytes.byteLength ?? 0)
        moved = true
        if (operations >= CHUNK_OPERATIONS || bytes >= CHUNK_BYTES || chunk.membership !== null) return chunk
      }
    }
  }
  return chunk
}

/** One key that a chunk changes. */
interface Touched {
  key: Uint8Array
  prior: Stored | null
}

/** Loads what a chunk touches, so that {@link installChunk} need not wait. */
export async function loadTouched(chunk: Chunk, view: View): Promise<Map<string, Touched>> {
  const keys = new Map<string, Uint8Array>()
  for (const { operations } of chunk.transactions) for (const { key } of operations) keys.set(keyId(key), key)
  const stored = await view.load([...keys.values()])
  return new Map([...keys].map(([id, key], i) => [id, { key, prior: stored[i] ?? null }]))
}

/**
 * Applies a chunk to the view and the state. Synchronous: readers see all of it or nothing, so that each key gets one new record, at the
 * version of the chunk's last transaction; nobody can have read one in between.
 */
export function installChunk(
  chunk: Chunk,
  touched: Map<string, Touched>,
  view: View,
  state: DeviceState
): Change[] {
  if (chunk.membership !== null) state.membership = chunk.membership
  const changed = new Map<string, Pending>()
  for (const transaction of chunk.transactions) {
    noteApplied(state, transaction)
    const log = state.logs.get(transaction.writer)
    if (log !== undefined) log.state = log.cursor.state
    applyTransaction(transaction, touched, changed, view, state)
  }
  const { version, writers } = state
  for (const { key, prior, register } of changed.values())
    view.install(key, { version, register, shown: shownValue(register, writers) }, prior)
  return [...changed.values()]
}

/** What a chunk makes of a key. */
interface Pending extends Change {
  prior: Stored | null
}

function applyTransaction(
  transaction: Transaction,
  touched: Map<string, Touched>,
  changed: Map<string, Pending>,
  view: View,
  state: DeviceState
): void {
  const { membership } = state
  const { writer, seq, ms, counter } = transaction
  const context = membership.admitted(transaction.context, transaction)
  for (const [index, operation] of transaction.operations.entries()) {
    const id = keyId(operation.key)
    let pending = changed.get(id)
    if (pending === undefined) {
      const entry = touched.get(id)
      if (entry === undefined) continue
      // A write of this device's own may have changed it meanwhile.
      const prior = view.newestPending(operation.key) ?? entry.prior
      changed.set(id, (pending = { key: operation.key, prior, register: prior?.register ?? EMPTY_REGISTER }))
    }
    const seen = operation.seen === null ? context : membership.admitted(operation.seen, transaction)
    const dot = { writer, seq, index, ms, counter }
    pending.register = applyOperation(pending.register, operation, dot, seen, deleteWins(state))
  }
}
