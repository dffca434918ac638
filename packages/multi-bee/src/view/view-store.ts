/** Bounds in bytes; what is absent is open. */
export interface ByteRange {
  gt?: Uint8Array
  gte?: Uint8Array
  lt?: Uint8Array
  lte?: Uint8Array
}

/** One write: a value, or `null` to delete the key. */
export type ViewWrite = readonly [key: Uint8Array, value: Uint8Array | null]

export interface Row {
  key: Uint8Array
  value: Uint8Array
}

export interface IterateOptions {
  reverse?: boolean
  /** Most rows. */
  limit?: number
  /** Rows fetched at once. */
  batch?: number
}

/**
 * The ordered key-value store the view is kept in. It is a cache: losing it costs a rebuild from the logs, nothing else.
 * Keys and values that come back are not to be written to.
 */
export interface ViewStore {
  open(): Promise<void>
  /** Values in the order of the keys; `null` where there is none. One round trip. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]>
  /** All or nothing; survives a killed process once resolved. */
  write(writes: readonly ViewWrite[]): Promise<void>
  /** Deletes everything. */
  clear(): Promise<void>
  /** Pins what is in the store now; synchronous. */
  snapshot(): ViewStoreSnapshot
  /** Moves what was written out of the write-ahead log, so that the next open has nothing to replay. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface ViewStoreSnapshot {
  /** In byte order of keys, in batches as they come from the store; none is empty. */
  iterate(range: ByteRange, options: IterateOptions): AsyncIterable<readonly Row[]>
  release(): Promise<void>
}
