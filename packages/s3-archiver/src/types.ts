/** A Hypercore, of any version that the adapter knows; its packages bring no types of their own. */
export interface CoreLike {
  readonly key: Uint8Array | null
  /** Hypercore's inner part. */
  readonly core: unknown
  ready(): Promise<void>
  on(event: 'append' | 'truncate' | 'download', listener: () => void): unknown
  off(event: 'append' | 'truncate' | 'download', listener: () => void): unknown
}

/** A Corestore. */
export interface CorestoreLike {
  /** Where it keeps its cores. */
  readonly storage: unknown
  ready(): Promise<void>
}
