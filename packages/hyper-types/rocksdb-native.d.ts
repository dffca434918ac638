// rocksdb-native 3.18.1
declare module 'rocksdb-native' {
  import type { CompactEncoding } from 'codecs'

  /** A string is its UTF-8 bytes. */
  export type RocksBytes = Uint8Array | string

  export interface ColumnFamilyOptions {
    enableBlobFiles?: boolean
    minBlobSize?: number
    blobFileSize?: number
    enableBlobGarbageCollection?: boolean
    tableBlockSize?: number
    tableCacheIndexAndFilterBlocks?: boolean
    tableFormatVersion?: number
    optimizeFiltersForMemory?: boolean
    optimizeFiltersForHits?: boolean
    blockCache?: boolean
    filterPolicy?: BloomFilterPolicy | RibbonFilterPolicy | null
    numLevels?: number
    maxWriteBufferNumber?: number
    /** Bytes. @defaultValue 64 MiB */
    writeBufferSize?: number
  }

  export interface RocksDbOptions extends ColumnFamilyOptions {
    columnFamily?: ColumnFamily | string
    columnFamilies?: readonly (ColumnFamily | string)[]
    readOnly?: boolean
    createIfMissing?: boolean
    createMissingColumnFamilies?: boolean
    maxBackgroundJobs?: number
    bytesPerSync?: number
    /** -1 is no limit. */
    maxOpenFiles?: number
    useDirectReads?: boolean
    useDirectIOForFlushAndCompaction?: boolean
    avoidFlushDuringShutdown?: boolean
    keyEncoding?: CompactEncoding<never, unknown>
    valueEncoding?: CompactEncoding<never, unknown>
  }

  export interface RocksSessionOptions {
    columnFamily?: ColumnFamily | string
    snapshot?: boolean
    keyEncoding?: CompactEncoding<never, unknown> | null
    valueEncoding?: CompactEncoding<never, unknown> | null
  }

  export interface BatchOptions {
    /** Operations there is room for at first. */
    capacity?: number
    /** Destroys the batch once it is flushed. Otherwise it may be filled again, and must be destroyed. */
    autoDestroy?: boolean
  }

  export interface ReadBatchOptions extends BatchOptions {
    asyncIO?: boolean
    fillCache?: boolean
  }

  /** Destroy it, or pass `autoDestroy`: `close()` waits for it. */
  export interface ReadBatch {
    /** Settles after a flush. `null` is absent. */
    get(key: RocksBytes): Promise<Uint8Array | null>
    flush(): Promise<void>
    tryFlush(): void
    /** @throws plain Error while a flush is on its way */
    destroy(): void
  }

  /** Applied as one, or not at all. */
  export interface WriteBatch {
    put(key: RocksBytes, value: RocksBytes | null): Promise<void>
    delete(key: RocksBytes): Promise<void>
    deleteRange(start: RocksBytes, end: RocksBytes): Promise<void>
    tryPut(key: RocksBytes, value: RocksBytes | null): void
    tryDelete(key: RocksBytes): void
    /** `end` is exclusive. */
    tryDeleteRange(start: RocksBytes, end: RocksBytes): void
    flush(): Promise<void>
    tryFlush(): void
    destroy(): void
  }

  export interface RocksRange {
    gt?: RocksBytes
    gte?: RocksBytes
    lt?: RocksBytes
    lte?: RocksBytes
  }

  export interface IteratorOptions {
    reverse?: boolean
    limit?: number
    /** Entries read at once. */
    capacity?: number
    /** False: values are `null`, and not read. */
    values?: boolean
  }

  export interface RocksEntry {
    key: Uint8Array
    value: Uint8Array
  }

  /** Reading to the end, or breaking off, destroys it. */
  export interface RocksIterator<T = RocksEntry> extends AsyncIterable<T> {
    /** What is buffered; `null` when nothing is. */
    read(): T | null
    destroy(error?: Error | null): void
    on(event: 'close', listener: () => void): this
  }

  export interface CompactOptions {
    exclusive?: boolean
  }

  export class ColumnFamily {
    constructor(name: string, options?: ColumnFamilyOptions)
    readonly name: string
    cloneSettings(name: string): ColumnFamily
    destroy(): void
  }

  export class BloomFilterPolicy {
    constructor(bitsPerKey: number)
    readonly type: number
    readonly bitsPerKey: number
  }

  export class RibbonFilterPolicy {
    constructor(bloomEquivalentBitsPerKey: number, bloomBeforeLevel?: number)
    readonly type: number
    readonly bloomEquivalentBitsPerKey: number
  }

  /** The root, or a session of it: a column family, a snapshot, encodings. */
  export default class RocksDB {
    constructor(path: string, options?: RocksDbOptions)
    static readonly ColumnFamily: typeof ColumnFamily
    static readonly BloomFilterPolicy: typeof BloomFilterPolicy
    static readonly RibbonFilterPolicy: typeof RibbonFilterPolicy

    readonly opened: boolean
    readonly closed: boolean
    readonly path: string
    readonly snapshotted: boolean
    readonly defaultColumnFamily: ColumnFamily

    ready(): Promise<void>
    /**
     * Closes the session; the root closes the others too. It waits for ever for a batch or iterator
     * that nobody destroyed.
     */
    close(options?: { force?: boolean }): Promise<void>
    session(options?: RocksSessionOptions): RocksDB
    columnFamily(name: ColumnFamily | string, options?: RocksSessionOptions): RocksDB
    /** A session that sees the present for as long as it is open. */
    snapshot(): RocksDB
    isRoot(): boolean
    isIdle(): boolean
    idle(): Promise<void>

    read(options?: ReadBatchOptions): ReadBatch
    write(options?: BatchOptions): WriteBatch
    get(key: RocksBytes): Promise<Uint8Array | null>
    put(key: RocksBytes, value: RocksBytes | null): Promise<void>
    delete(key: RocksBytes): Promise<void>
    deleteRange(start: RocksBytes, end: RocksBytes): Promise<void>
    iterator(
      range: RocksRange,
      options: IteratorOptions & { values: false }
    ): RocksIterator<{ key: Uint8Array; value: null }>
    iterator(range?: RocksRange, options?: IteratorOptions): RocksIterator
    keys(range?: RocksRange, options?: IteratorOptions): AsyncGenerator<Uint8Array>
    peek(range?: RocksRange, options?: IteratorOptions): Promise<RocksEntry | null>

    /** Writes the memtable to disk as a table. */
    flush(): Promise<void>
    compactRange(start?: RocksBytes | null, end?: RocksBytes | null, options?: CompactOptions): Promise<void>
    /** Bytes, of files alone unless `includeMemtables`. */
    approximateSize(
      start: RocksBytes,
      end: RocksBytes,
      options?: { includeMemtables?: boolean; includeFiles?: boolean; filesSizeErrorMargin?: number }
    ): Promise<number>
    suspend(): Promise<void>
    resume(): Promise<void>
  }
}
