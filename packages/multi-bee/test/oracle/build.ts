/** Worlds by hand: short words for the worked examples. */

import { canonicalJson } from './canonical-json.ts'
import type { Conflict, Membership, Operation, OracleState, Transaction, Value, World } from './types.ts'

/** Writers in byte order. The first two differ in their last byte only. */
export const A: string = '11'.repeat(31) + '01'
export const B: string = '11'.repeat(31) + '02'
export const C: string = '33'.repeat(32)
export const D: string = '44'.repeat(32)

/** Logs that go on from others. */
export const X: string = '77'.repeat(32)
export const Y: string = '88'.repeat(32)
export const Z: string = '99'.repeat(32)

/** The entry most examples are about, and another. */
export const K: string = '6b'
export const L: string = '6c'

/** A document from a JavaScript value (its own fields) or from JSON text. */
export function doc(value: unknown): Value {
  return { kind: 'document', text: canonicalJson(value) }
}

/** A document from JSON text in any order. */
export function text(json: string): Value {
  return doc(JSON.parse(json))
}

/** Opaque bytes. */
export function bytes(hex: string): Value {
  return { kind: 'opaque', hex }
}

/** An assign to `K`. */
export function assign(path: string[], value: unknown, seen?: Record<string, number>): Operation {
  return { type: 'assign', key: K, path, value: doc(value), ...(seen === undefined ? {} : { seen }) }
}

/** An unset of `K`. */
export function unset(path: string[], seen?: Record<string, number>): Operation {
  return { type: 'unset', key: K, path, ...(seen === undefined ? {} : { seen }) }
}

/** An add, named by the place of the writer's first byte. */
export function add(writer: string, name: string = writer.slice(0, 2)): Membership {
  return { type: 'add', writer, name }
}

/** A removal that honours the first `length` blocks. */
export function remove(writer: string, length: number): Membership {
  return { type: 'remove', writer, length }
}

/** Two different blocks of the writer are signed for the place `length`. */
export function fork(writer: string, length: number): Membership {
  return { type: 'fork', writer, length }
}

/** The log goes on from `previous`. */
export function succeed(previous: string): Membership {
  return { type: 'succeed', previous }
}

/** From here on the author's contexts may name the writer. */
export function admit(writer: string): Membership {
  return { type: 'admit', writer }
}

/** The genesis, followed by adds. */
export function genesis(
  writers: string[],
  options: { deleteWins?: boolean; ownerKey?: string } = {}
): Partial<Transaction> {
  const { deleteWins = false, ownerKey = null } = options
  const record: Membership = { type: 'genesis', deleteWins, ownerKey, name: 'creator' }
  return { membership: [record, ...writers.map((writer) => add(writer))] }
}

/** A transaction with operations; the context is what it adds to the one before it. */
export function write(
  context: Record<string, number>,
  operations: Operation[],
  rest: Partial<Transaction> = {}
): Partial<Transaction> {
  return { context, operations, ...rest }
}

/** A transaction with membership operations. */
export function change(context: Record<string, number>, ...membership: Membership[]): Partial<Transaction> {
  return { context, membership }
}

/**
 * A world. What a transaction leaves out: one block, at (1000, 0), with the context of the one before it.
 * Its seq follows from those before it.
 */
export function world(logs: Record<string, Array<Partial<Transaction>>>, first: string = A): World {
  const filled = Object.entries(logs).map(([writer, log]) => {
    let seq = 0
    let context: Record<string, number> = {}
    return [
      writer,
      log.map((partial): Transaction => {
        context = { ...context, ...partial.context }
        const transaction: Transaction = {
          seq,
          length: 1,
          ms: 1000,
          counter: 0,
          membership: [],
          operations: [],
          ...partial,
          context
        }
        seq += transaction.length
        return transaction
      })
    ]
  })
  return { first, logs: Object.fromEntries(filled) }
}

/** The JSON that `K` shows; undefined when it is absent. */
export function shown(state: OracleState, key: string = K): unknown {
  const value = state.entries.get(key)
  if (value === undefined) return undefined
  return value.kind === 'opaque' ? value : JSON.parse(value.text)
}

/** Conflicts of `K` as short rows: path, JSON or 'deleted', device. */
export function rows(state: OracleState): Array<[path: string, value: unknown, writer: string]> {
  return state
    .conflicts(K)
    .map(({ path, value, writer }: Conflict) => [
      path.join('.'),
      value === null ? 'deleted' : value.kind === 'opaque' ? value.hex : JSON.parse(value.text),
      writer
    ])
}
