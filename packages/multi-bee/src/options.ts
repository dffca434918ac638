import type {
  CutOffInfo,
  EpochInfo,
  HistoryEntry,
  KeyEncoding,
  SignalLike,
  SwarmLike,
  ValueEncoding,
  WriterInfo
} from './types.ts'

export interface MultiBeeOptions {
  /** Key of an existing database: bytes, hex or z-base-32. Without it: the one this namespace of the store holds, or a new one. */
  key?: Uint8Array | string
  /**
   * 32 bytes that encrypt the logs. Given here, it is not written to disk. Without it a new database makes one and keeps it in the
   * store; `null` makes a database that is not encrypted.
   */
  encryptionKey?: Uint8Array | null
  /** What this device is called in `status()`, `conflicts()` and `writers()`; at most 256 bytes. @defaultValue '' */
  name?: string
  /** @defaultValue 'utf-8' */
  keyEncoding?: KeyEncoding
  /** @defaultValue 'json' */
  valueEncoding?: ValueEncoding
  /** Where the view is kept; its parent exists. @defaultValue beside the store's own files */
  directory?: string
  /** A delete beats edits made without knowledge of it. Decided when the database is created, for good. @defaultValue false */
  deleteWins?: boolean
  /** Writer key that wins when members remove each other. Decided when the database is created, for good. */
  ownerKey?: Uint8Array
  /** Wall clock in ms. @defaultValue Date.now */
  clock?: () => number
}

export interface JoinOptions extends Omit<MultiBeeOptions, 'key' | 'deleteWins' | 'ownerKey'> {
  /** The network on which the inviting device is met, and replicated with until the database closes. */
  swarm: SwarmLike
  /** Gives up. */
  signal?: SignalLike
}

export interface RemoveWriterOptions {
  /** How much of its log still counts, in blocks. @defaultValue all that this device has merged */
  length?: number
}

/** What came of a removal. */
export interface Removal<K> {
  cutOff: CutOffInfo
  /** Operations past the cut-off that are here. They count nowhere. */
  quarantined: HistoryEntry<K>[]
  /** Does what they did again, in this device's name, as changes made now. */
  reissue(): Promise<void>
}

/** Facts nobody asked for. */
export interface MultiBeeEvents<K> {
  /** Something is shown that was not before. */
  update: []
  /** This device may write from now on. */
  writable: []
  /** A change from another device left something to resolve. */
  conflict: [key: K]
  /** A device was removed; it may be this one. */
  removed: [writer: WriterInfo]
  /** A device has signed two different histories of its log. What both have in common counts; the rest is quarantined. */
  forked: [writer: WriterInfo]
  /** This device goes on in a new log. What it wrote stays; of what is quarantined, its own is being issued again. */
  epoch: [epoch: EpochInfo]
  /** A device's clock is this many ms ahead of this one's: more than a minute. */
  'clock-skew': [writer: WriterInfo, offsetMs: number]
  /** Something failed in the background; what was not applied is tried again. */
  failure: [error: Error]
}
