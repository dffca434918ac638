import type { EncodingOptions, Entry } from '../types.ts'

/** Decides whether a put goes ahead: `next` is the entry as it would be. */
export type PutComparator<K, V> = (previous: Entry<K, V>, next: Entry<K, V>) => boolean | Promise<boolean>

export interface PutOptions<K, V> extends EncodingOptions {
  /**
   * Asked when the key exists; the put goes ahead when it says yes. Local-causal: it compares with what this device has seen.
   * Writes of this device wait for its answer, so it must not wait for one.
   */
  cas?: PutComparator<K, V>
  /** The entry the new value was made from: changes are worked out against it, and nothing that came since is overwritten. */
  base?: Entry<K, V>
}

export interface DelOptions<K, V> extends EncodingOptions {
  /** As for put. */
  cas?: (previous: Entry<K, V>) => boolean | Promise<boolean>
  base?: Entry<K, V>
}
