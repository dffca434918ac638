import b4a from 'b4a'
import { applyOperation, EMPTY_REGISTER } from '../merge/register.ts'
import { shownValue } from '../merge/show.ts'
import type { Transaction } from '../merge/transaction.ts'
import type { Stored } from '../view/record.ts'
import type { View } from '../view/view.ts'
import { crossesClaim } from './reevaluate.ts'
import type { Change } from './change.ts'
import { appliedLength, deleteWins, isPlainAddition, noteApplied, type DeviceState } from './device-state.ts'

/** Operations that are applied in one go. */
const CHUNK_OPERATIONS = 2048

/** Transactions that may be applied now, in an order that respects what each has seen. */
export interface Chunk {
  transactions: Transaction[]
  /** By writer: blocks that did not decode. */
  malformed: Map<number, number>
  /** Where a membership change, or contexts that contradict it, ask for {@link reevaluate}. */
  needsReevaluation: boolean
}

/** Collects what can be applied next. Passes it on the logs' cursors, so it must be installed. */
export async function collectChunk(state: DeviceState): Promise<Chunk> {
  const chunk: Chunk = { transactions: [], malformed: new Map(), needsReevaluation: false }
  const positions = new Map<number, number>()
  const has = (writer: number): number => positions.get(writer) ?? appliedLength(state, writer)
  let operations = 0
  for (let moved = true; moved; ) {
    moved = false
    for (const { writer } of state.membership.members) {
      const cursor = state.logs.get(writer)?.cursor
      if (cursor === undefined) continue
      for (let next = await cursor.peek(); next !== null; next = await cursor.peek()) {
        if (!state.membership.isReady(next, has)) break
        if (!isOrdinary(state, next)) {
          // What stands before it is installed first, under the membership it was read with.
          chunk.needsReevaluation = chunk.transactions.length === 0
          return chunk
        }
        if (cursor.isMalformed) chunk.malformed.set(writer, (chunk.malformed.get(writer) ?? 0) + 1)
        cursor.advance()
        positions.set(writer, next.seq + next.length)
        chunk.transactions.push(next)
        operations += next.operations.length + 1
        moved = true
        if (operations >= CHUNK_OPERATIONS || next.membership.length > 0) return chunk
      }
    }
  }
  return chunk
}

/** Whether a transaction can be applied on top of what is there, without a look at all logs. */
function isOrdinary(state: DeviceState, transaction: Transaction): boolean {
  if (crossesClaim(state.claims, transaction)) return false
  return transaction.membership.length === 0 || isPlainAddition(state, transaction)
}

/** One key that a chunk changes. */
interface Touched {
  key: Uint8Array
  prior: Stored | null
}

/** Loads what a chunk touches, so that {@link installChunk} need not wait. */
export async function loadTouched(chunk: Chunk, view: View): Promise<Map<string, Touched>> {
  const keys = new Map<string, Uint8Array>()
  for (const { operations } of chunk.transactions) for (const { key } of operations) keys.set(idOf(key), key)
  const stored = await view.load([...keys.values()])
  return new Map([...keys].map(([id, key], i) => [id, { key, prior: stored[i] ?? null }]))
}

/** Applies a chunk to the view and the state. Synchronous: readers see all of a transaction or nothing. */
export function installChunk(chunk: Chunk, touched: Map<string, Touched>, view: View, state: DeviceState): Change[] {
  const { membership } = state
  const changes = new Map<string, Change>()
  for (const transaction of chunk.transactions) {
    noteApplied(state, transaction)
    const log = state.logs.get(transaction.writer)
    if (log !== undefined) log.state = log.cursor.state
    const context = membership.admitted(transaction.context, transaction)
    for (const [index, operation] of transaction.operations.entries()) {
      const id = idOf(operation.key)
      const entry = touched.get(id)
      if (entry === undefined) continue
      // A turn of this device's own may have come between loading and now.
      const prior = view.newestPending(operation.key) ?? entry.prior
      const { writer, seq, ms, counter } = transaction
      const dot = { writer, seq, index, ms, counter }
      const seen = operation.seen === null ? context : membership.admitted(operation.seen, transaction)
      const register = applyOperation(prior?.register ?? EMPTY_REGISTER, operation, dot, seen, deleteWins(state))
      view.install(operation.key, { version: state.version, register, shown: shownValue(register, state.writers) }, prior)
      changes.set(id, { key: operation.key, register })
    }
  }
  return [...changes.values()]
}

function idOf(key: Uint8Array): string {
  return b4a.toString(key, 'hex')
}
