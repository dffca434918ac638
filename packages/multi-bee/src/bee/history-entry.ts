import type { DeviceState } from '../engine/device-state.ts'
import { pathNames } from '../merge/path.ts'
import type { Operation, Transaction, Value } from '../merge/transaction.ts'
import type { HistoryEntry } from '../types.ts'
import { deviceName } from './open-database.ts'

/** How the bytes of an operation are shown. */
export interface OperationDecoder {
  decodeKey(key: Uint8Array): unknown
  decodeValue(value: Value): unknown
}

/** An operation as an app sees it. */
export function historyEntry<K>(
  { key, path, value }: Operation,
  { writer, seq, ms }: Transaction,
  { writers, membership }: DeviceState,
  decoder: OperationDecoder
): HistoryEntry<K> {
  return {
    type: value === null ? 'del' : 'put',
    key: decoder.decodeKey(key) as K,
    path: pathNames(path),
    value: value === null ? null : decoder.decodeValue(value),
    writer: writers.keyOf(writer),
    device: deviceName(membership, writer),
    seq,
    time: ms
  }
}
