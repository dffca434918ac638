/** One writer's op log as the engine needs it. */
export interface OpLog {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Blocks that can be read now, without a gap from the first. */
  readonly available: number
  /** Blocks that are known to exist somewhere. */
  readonly known: number
  /** Blocks `start` to `end`; all of them are below `available`. */
  read(start: number, end: number): Promise<Uint8Array[]>
  /** Survives a killed process once resolved. All or nothing. */
  append(blocks: readonly Uint8Array[]): Promise<void>
  /** Root hash of the Merkle tree at that length, and the fork. */
  fingerprint(length: number): Promise<{ fork: number; treeHash: Uint8Array }>
  close(): Promise<void>
}
