import type { Engine } from '../engine/engine.ts'
import { LogCursor } from '../log/log-cursor.ts'
import { initialLogState } from '../log/log-state.ts'
import { compareDots } from '../merge/canonical-order.ts'
import type { Transaction } from '../merge/transaction.ts'
import { appliedLength } from '../engine/device-state.ts'
import type { EncodingOptions, HistoryEntry, KeyRange } from '../types.ts'
import { boundsOf, type BeeReader } from './bee-reader.ts'
import { historyEntry } from './history-entry.ts'
import { isInRange } from '../view/byte-range.ts'

export interface HistoryOptions<K> extends KeyRange<K>, EncodingOptions {
  /** Newest first. @defaultValue false */
  reverse?: boolean
  /** Most operations; -1 is no limit. @defaultValue -1 */
  limit?: number
}

/** Operations that count, in canonical order; of keys in the range. */
export async function* history<K>(
  bee: BeeReader<K, unknown>,
  options: HistoryOptions<K>
): AsyncGenerator<HistoryEntry<K>> {
  const { reverse = false, limit = -1 } = options
  if (limit === 0) return
  const forward = entries(bee, options)
  let left = limit < 0 ? Infinity : limit
  if (!reverse) {
    for await (const entry of forward) {
      yield entry
      if (--left === 0) return
    }
    return
  }
  const last: HistoryEntry<K>[] = []
  for await (const entry of forward) {
    last.push(entry)
    if (last.length > left) last.shift()
  }
  yield* last.reverse()
}

async function* entries<K>(
  bee: BeeReader<K, unknown>,
  options: HistoryOptions<K>
): AsyncGenerator<HistoryEntry<K>> {
  const keyspace = bee.keyspace.with(options)
  const range = keyspace.encodeRange(boundsOf(options))
  const { engine } = await bee.database()
  for await (const transaction of transactionsInOrder(engine)) {
    for (const operation of transaction.operations) {
      if (isInRange(operation.key, range))
        yield historyEntry<K>(operation, transaction, engine.state, keyspace)
    }
  }
}

/** Merges the logs as far as they are applied now. Inside one log time never goes back, so one transaction of each is enough. */
async function* transactionsInOrder({ state }: Engine): AsyncGenerator<Transaction> {
  const { writers, logs } = state
  const cursors = [...logs].map(([writer, { log }]) => {
    return {
      cursor: new LogCursor(log, writers, 0, initialLogState(writer)),
      end: appliedLength(state, writer)
    }
  })
  for (;;) {
    let first: { cursor: LogCursor; next: Transaction } | null = null
    for (const { cursor, end } of cursors) {
      const next = cursor.position < end ? await cursor.peek() : null
      if (next === null) continue
      if (first === null || compareDots({ ...next, index: 0 }, { ...first.next, index: 0 }, writers) < 0)
        first = { cursor, next }
    }
    if (first === null) return
    yield first.next
    first.cursor.advance()
  }
}
