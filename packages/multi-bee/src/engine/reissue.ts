import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import type { Transaction } from '../merge/transaction.ts'
import { withLength } from '../merge/version-vector.ts'
import { appliedLength, type DeviceState } from './device-state.ts'
import { keyId } from '../view/key-id.ts'
import type { Base, WriteRequest } from './requests.ts'

/** The transactions past a writer's cut-off that are here, in the order of its log. */
export async function* quarantinedTransactions(
  { membership, logs, applied }: DeviceState,
  writer: number
): AsyncGenerator<Transaction> {
  const cutOff = membership.get(writer)?.cutOff
  const cursor: LogCursor | undefined = logs.get(writer)?.cursor.clone()
  if (!cutOff || cursor === undefined) return
  for (let next = await cursor.peek(); next !== null; next = await cursor.peek()) {
    if (next.seq >= Math.max(cutOff.length, applied[writer] ?? 0)) yield next
    cursor.advance()
  }
}

/**
 * What this device's own log held past a cut-off, to be done again. Each transaction has seen what it had seen when it was written, and
 * of this device's present log all there is: so it competes with what others did meanwhile, and does not replace it.
 * Nothing else may be written in between. After a crash it goes on where it stopped: others may have built on what was done again.
 *
 * @param agreed - the cut-off when this was begun; with a lower one by now, all is done again
 */
export async function* ownTail(
  state: DeviceState,
  previous: number,
  agreed: number | null
): AsyncGenerator<WriteRequest> {
  let done = state.membership.get(previous)?.cutOff?.length === agreed ? await countOwn(state) : 0
  for await (const { operations, context } of quarantinedTransactions(state, previous)) {
    if (operations.length === 0 || done-- > 0) continue
    const own = appliedLength(state, state.self)
    // Writes of one key go together when they name one base; in the log, too, they had seen the same.
    const bases = new Map<string, Base>()
    const writes = operations.map(({ key, path, value, seen }) => {
      const base = bases.get(keyId(key)) ?? {
        version: state.version,
        vector: withLength(seen ?? context, state.self, own)
      }
      bases.set(keyId(key), base)
      return { key, intent: { type: 'resolve' as const, path, value }, base, compare: null }
    })
    yield { type: 'write', writes, atomic: true }
  }
}

/** Transactions with operations in this device's present log. */
async function countOwn({ logs, self, writers }: DeviceState): Promise<number> {
  const log = logs.get(self)?.log
  if (log === undefined) return 0
  const cursor = new LogCursor(log, writers, 0, initialLogState(self))
  let count = 0
  for (let next = await cursor.peek(); next !== null; next = await cursor.peek()) {
    if (next.operations.length > 0) count++
    cursor.advance()
  }
  return count
}
