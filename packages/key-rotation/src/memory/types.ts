/** Where the memory lies: a file, a Hypercore's user data, a database. */
export interface MemoryStore {
  /** What was written last; `null` before. */
  read(): Promise<Uint8Array | null>
  /** In place of what was there. Resolves when it is there after a crash, too. All or nothing. */
  write(bytes: Uint8Array): Promise<void>
  /**
   * After what is there. Resolves when it is there after a crash, too; after one before that, a part of it may be. Without it all is written with each
   * event.
   */
  append?(bytes: Uint8Array): Promise<void>
}

/**
 * Two histories of one identity, each signed as it should be, and by keys that are worth as much: somebody else has keys, or one person has acted
 * twice.
 */
export interface Duplicity {
  /** Number of the first event that differs. */
  readonly seq: number
  /** Both chains whole: first the one that was seen first. */
  readonly branches: readonly [readonly Uint8Array[], readonly Uint8Array[]]
}

export interface IdentityMemoryOptions {
  /**
   * The clock, in ms since 1970.
   *
   * @defaultValue Date.now
   */
  now?: () => number
}

/** What a device had believed till a stronger history came: for the person, who may want to do again what is in it. */
export interface Superseded {
  /** Number of the first event that differs. */
  readonly seq: number
  /** The whole chain. */
  readonly events: readonly Uint8Array[]
}
