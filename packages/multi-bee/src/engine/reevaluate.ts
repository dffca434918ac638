import type { LogCursor } from '../log/log-cursor.ts'
import { applyOperations } from '../merge/apply-operations.ts'
import { EMPTY_REGISTER, type Register } from '../merge/register.ts'
import { shownValue } from '../merge/show.ts'
import type { Transaction } from '../merge/transaction.ts'
import { lengthAt, type VersionVector } from '../merge/version-vector.ts'
import type { Membership } from '../membership/membership.ts'
import type { Stored } from '../view/record.ts'
import type { View } from '../view/view.ts'
import { keyId } from '../view/key-id.ts'
import { operationsByKey } from './apply.ts'
import type { Change } from './change.ts'
import { currentMembership, type DeviceState } from './device-state.ts'
import { causalOrder, FullSource, horizonOf } from './full-source.ts'

/** A membership worked out anew, and everything that follows from it. */
export interface Plan {
  membership: Membership
  applied: VersionVector
  cursors: Map<number, LogCursor>
  /** New registers of the keys it affects. */
  keys: { key: Uint8Array; prior: Stored | null; register: Register }[]
}

/**
 * Works out membership anew, what is applied under it, and the keys this affects, from the logs alone. Changes nothing.
 * Cost: reads and decodes all logs, and once more when keys are affected; memory for the registers of those keys.
 */
export async function planReevaluation(state: DeviceState, view: View): Promise<Plan> {
  const { logs, writers } = state
  const membership = currentMembership(state)
  const horizon = horizonOf(logs)
  const source = new FullSource(logs, writers, horizon)
  const affected = new Map<string, Uint8Array>()
  const touch = ({ operations }: Transaction): void => {
    for (const { key } of operations) affected.set(keyId(key), key)
  }
  for await (const transaction of causalOrder(membership, source)) {
    const isNew = transaction.seq >= lengthAt(state.applied, transaction.writer)
    if (isNew || !isReadAlike(transaction, state.membership, membership)) touch(transaction)
  }

  const applied: number[] = []
  const cursors = new Map<number, LogCursor>()
  for (let writer = 0; writer < writers.size; writer++) {
    applied.push(source.position(writer))
    const cursor = source.cursor(writer)
    if (cursor === null) continue
    cursors.set(writer, cursor)
    for await (const taken of transactionsUntil(cursor.clone(), lengthAt(state.applied, writer))) touch(taken)
  }
  const keys = await recompute(affected, membership, applied, state, view)
  return { membership, applied, cursors, keys }
}

/** Makes a plan true, as one version. Synchronous. */
export function installPlan(plan: Plan, view: View, state: DeviceState): Change[] {
  const { membership, applied, cursors, keys } = plan
  Object.assign(state, { membership, applied })
  for (const [writer, cursor] of cursors) {
    const log = state.logs.get(writer)
    if (log === undefined) continue
    log.cursor = cursor
    log.state = cursor.state
    log.beyond = null
  }
  state.version++
  for (const { key, prior, register } of keys) {
    view.install(key, { version: state.version, register, shown: shownValue(register, state.writers) }, prior)
  }
  return keys.map(({ key, register }) => ({ key, register }))
}

/** Registers of some keys, from all operations that are applied. */
async function recompute(
  affected: ReadonlyMap<string, Uint8Array>,
  membership: Membership,
  applied: VersionVector,
  { logs, writers }: DeviceState,
  view: View
): Promise<Plan['keys']> {
  if (affected.size === 0) return []
  const deleteWins = membership.genesis?.deleteWins ?? false
  const registers = new Map<string, Register>()
  for await (const transaction of causalOrder(membership, new FullSource(logs, writers, applied))) {
    for (const [id, operations] of operationsByKey(transaction, membership)) {
      if (!affected.has(id)) continue
      registers.set(id, applyOperations(registers.get(id) ?? EMPTY_REGISTER, operations, deleteWins))
    }
  }
  const priors = await view.load([...affected.values()])
  return [...affected].map(([id, key], i) => ({
    key,
    prior: priors[i] ?? null,
    register: registers.get(id) ?? EMPTY_REGISTER
  }))
}

/** Whether a transaction's context means the same under both memberships. */
function isReadAlike(transaction: Transaction, before: Membership, after: Membership): boolean {
  const [a, b] = [
    before.admitted(transaction.context, transaction),
    after.admitted(transaction.context, transaction)
  ]
  return a === b || transaction.context.every((_, writer) => lengthAt(a, writer) === lengthAt(b, writer))
}

async function* transactionsUntil(cursor: LogCursor, end: number): AsyncGenerator<Transaction> {
  for await (const transaction of cursor.transactions()) {
    if (transaction.seq >= end) return
    yield transaction
  }
}
