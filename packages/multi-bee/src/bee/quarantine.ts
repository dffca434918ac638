import type { Engine } from '../engine/engine.ts'
import { quarantinedTransactions } from '../engine/own-history.ts'
import type { Write } from '../engine/requests.ts'
import type { Keyspace } from '../keyspace.ts'
import type { Value } from '../merge/transaction.ts'
import type { HistoryEntry } from '../types.ts'
import { historyEntry } from './history-entry.ts'

/** Operations of a removed writer that are here and count nowhere, in the order of its log. */
export async function quarantined<K>(
  engine: Engine,
  writer: number,
  keyspace: Keyspace
): Promise<HistoryEntry<K>[]> {
  const entries: HistoryEntry<K>[] = []
  const decoder = {
    decodeKey: (key: Uint8Array) => readable(() => keyspace.decodeKey(key), key),
    decodeValue: (value: Value) => readable(() => keyspace.decodeValue(value), value.bytes)
  }
  for await (const transaction of quarantinedTransactions(engine.state, writer)) {
    for (const operation of transaction.operations) {
      entries.push(historyEntry<K>(operation, transaction, engine.state, decoder))
    }
  }
  return entries
}

/** What decodes, or its bytes: another device may have used other encodings, or none. */
function readable(decode: () => unknown, bytes: Uint8Array): unknown {
  try {
    return decode()
  } catch {
    return bytes
  }
}

/** Does again, in this device's name, what a removed writer did past its cut-off; a transaction of its each in one of this device's. */
export async function reissue(engine: Engine, writer: number): Promise<void> {
  for await (const { operations } of quarantinedTransactions(engine.state, writer)) {
    const writes = operations.map(({ key, path, value }): Write => ({
      key,
      intent: { type: 'resolve', path, value },
      base: null,
      compare: null
    }))
    if (writes.length > 0) await engine.submit({ type: 'write', writes, atomic: true })
  }
}
