import type { Value } from '../merge/transaction.ts'

/** One entry as a reader sees it. */
export interface ShownEntry {
  key: Uint8Array
  version: number
  value: Value
}

/** `null` when the record shows nothing. */
export function entryOf(
  key: Uint8Array,
  { version, shown }: { version: number; shown: Value | null }
): ShownEntry | null {
  return shown === null ? null : { key, version, value: shown }
}
