/** Any duplex stream of the field: `stream.pipe(other).pipe(stream)`. */
export interface DuplexLike {
  pipe(destination: never): unknown
  on(event: 'close', listener: () => void): unknown
  destroy(error?: Error): unknown
}

/** The part of a Corestore a MultiBee uses. Structural: a namespace or a session of one fits too. */
export interface StoreLike {
  ready(): Promise<void>
  get(options: never): unknown
}

/** The part of a Hyperswarm that pairing uses. */
export interface SwarmLike {
  readonly connections: Iterable<DuplexLike>
  join(topic: never, options?: never): unknown
  on(event: 'connection', listener: (connection: DuplexLike) => void): unknown
  off(event: 'connection', listener: (connection: DuplexLike) => void): unknown
}

/** A structural cancellation signal, which a real `AbortSignal` satisfies. */
export interface SignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** One key and its value, as Hyperbee returns it. */
export interface Entry<K = string, V = unknown> {
  /** The version of this device's view that wrote it: grows with every change, and differs between devices. */
  seq: number
  key: K
  value: V
}

/** A codec as `compact-encoding` and `abstract-encoding` have it. */
export interface CodecLike {
  encode(...args: never[]): unknown
  decode(...args: never[]): unknown
}

/** How keys become bytes; range reads follow the order of the bytes. */
export type KeyEncoding = 'utf-8' | 'binary' | 'ascii' | 'json' | CodecLike
/** How values become bytes. `json` values are merged field by field; of any other encoding an entry is one leaf. */
export type ValueEncoding = 'json' | 'utf-8' | 'binary' | 'ascii' | CodecLike

/** Encodings for one call, as in Hyperbee. */
export interface EncodingOptions {
  keyEncoding?: KeyEncoding
  valueEncoding?: ValueEncoding
}

/** Bounds of a read, in byte order of encoded keys. */
export interface KeyRange<K = string> {
  gt?: K
  gte?: K
  lt?: K
  lte?: K
}

export interface ReadStreamOptions<K = string> extends KeyRange<K>, EncodingOptions {
  /** @defaultValue false */
  reverse?: boolean
  /** Most entries; -1 is no limit. @defaultValue -1 */
  limit?: number
}

/** A stream of the field (streamx) that is also an async iterable. */
export interface EntryStream<T> extends AsyncIterable<T> {
  on(event: 'data', listener: (data: T) => void): this
  on(event: 'end' | 'close', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
  pipe<S>(destination: S): S
  destroy(error?: Error): void
}

/** Two versions of one key: `left` as the reader has it, `right` as the other. */
export interface DiffEntry<K = string, V = unknown> {
  left: Entry<K, V> | null
  right: Entry<K, V> | null
}

/** One operation of one device, as it stands in the logs. */
export interface HistoryEntry<K = string> {
  type: 'put' | 'del'
  key: K
  /** Field names from the entry down; `[]` is the entry itself. */
  path: string[]
  /** What was put there; `null` for a del. Of a `json` entry a plain value, else what the value encoding decodes. */
  value: unknown
  /** 32-byte key of the device's log. */
  writer: Uint8Array
  /** The device's name, as given when it was added. */
  device: string
  /** Block of that log. */
  seq: number
  /** Wall-clock time of the device in ms, kept from going back. */
  time: number
}

/** What lost against what is shown: see MERGE.md, "Conflicts". */
export interface Conflict {
  /** Field names from the entry down; `[]` is the entry itself. */
  path: string[]
  /** The value that is not shown; `undefined` when `deleted`. */
  value: unknown
  /** The alternative is that it be gone. */
  deleted: boolean
  /** Whose it is: the device's log, its name, and its wall-clock time in ms. */
  writer: Uint8Array
  device: string
  time: number
  /** What is shown instead, and whose that is. */
  shown: { value: unknown; writer: Uint8Array; device: string; time: number }
}

/** Identifies what of a removed writer's log still counts. */
export interface CutOffInfo {
  /** In blocks. */
  length: number
  fork: number
  treeHash: Uint8Array
}

export interface WriterInfo {
  key: Uint8Array
  name: string
  /** `null` while it may write. */
  cutOff: CutOffInfo | null
  /** Whether a member has removed it. */
  removed: boolean
  /** Whether there are two copies of its log that differ. */
  forked: boolean
  /** Key of the log in which the same device wrote before; `null` for its first. */
  previous: Uint8Array | null
}

/**
 * Why this device goes on in a new log. `copied`: its store was copied, restored or moved. `overtaken`: a peer holds more of its log than it
 * does, so that its store is an old copy. `forked`: a peer holds a copy of its log that differs.
 */
export interface EpochInfo {
  reason: 'copied' | 'overtaken' | 'forked'
  /** Key of the log it wrote before. */
  previous: Uint8Array
}

/** One device as this one knows it. Lengths are in blocks of its log. */
export interface DeviceStatus {
  key: Uint8Array
  name: string
  isSelf: boolean
  isMember: boolean
  /** It has signed two different histories of its log, at least one of them wrong. */
  forked: boolean
  /** Key of the log in which the same device wrote before; `null` for its first. */
  previous: Uint8Array | null
  /** What is merged into what this device shows. */
  applied: number
  /** What is known to exist, here or at a connected peer. */
  known: number
  /** Here, but waiting for blocks of other devices it builds on. */
  waiting: number
  /** Here, past the cut-off of a removed device: counts nowhere. */
  quarantined: number
  /** Wall time in ms when something of it was last applied here. */
  lastSeen: number | null
  /** How far its clock was ahead of this device's when something of it was last applied, in ms, if more than 60 s; else 0. */
  clockSkewMs: number
  /** Blocks that do not decode and count as empty, of all that were read: a fault of the device, or malice. */
  malformed: number
  /** Format version of a block this package cannot read: the device's later blocks wait for an update of the package. */
  unknownFormat: number | null
}

export interface Status {
  version: number
  /** One for each log: a device that has gone on in a new one is there with both. */
  devices: DeviceStatus[]
  /** How this device came to its present log; `null` while it is in its first. */
  epoch: EpochInfo | null
  /** The last failure in the background, with its code; `null` when there was none. */
  failure: Error | null
}
