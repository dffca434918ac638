export interface CoreFollowerOptions {
  /** 32 bytes, of an encrypted core. */
  encryptionKey?: Uint8Array | null
  /**
   * Where to read on, in blocks.
   *
   * @defaultValue 0
   */
  position?: number
  /** Key of the core that was read up to `position`; needed where that is not 0. */
  core?: Uint8Array | null
  /** Of that core at `position`, 32 bytes. Without it nobody notices that what was read has been replaced since. */
  treeHash?: Uint8Array | null
}

/** How far a name was read. Fits the options of a `CoreFollower`, to go on after a restart. */
export interface Bookmark {
  readonly position: number
  /** Key of the core that was read; `null` where nothing was. */
  readonly core: Uint8Array | null
  /** Of its tree at `position`; `null` where that is not here. */
  readonly treeHash: Uint8Array | null
}

/** How to look for a block. */
export interface ReadOptions {
  /**
   * Whether to wait for peers.
   *
   * @defaultValue true
   */
  wait?: boolean
  /** How long, in ms; then Hypercore's own error is thrown. */
  timeout?: number
}

/** A block, in its place in the whole history. */
export interface FollowedBlock {
  readonly index: number
  readonly block: unknown
  /** Key of the core that it was read from. */
  readonly core: Uint8Array
}

/** Blocks that were read and do not count: the name goes on from before them. They stay in the core where they are. */
export interface RetractedBlocks {
  readonly core: Uint8Array
  readonly start: number
  /** Exclusive. */
  readonly end: number
}
