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

/** A replication stream, or a connection of Hyperswarm. */
export interface StreamLike {
  readonly destroyed: boolean
  pipe<S>(to: S): S
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'close', listener: () => void): unknown
  destroy(error?: Error | null): void
}

/** A session of a Hypercore, as far as it is read here. */
export interface SessionLike extends CoreLike {
  readonly fork: number
  /** In blocks. */
  readonly length: number
  /** Those that it is replicated with. */
  readonly peers: readonly object[]
  get(seq: number, options?: { timeout?: number; wait?: boolean }): Promise<Uint8Array | null>
  replicate(isInitiator: boolean, options?: { keepAlive?: boolean }): StreamLike
  setUserData(key: string, value: Uint8Array): Promise<void>
  getUserData(key: string): Promise<Uint8Array | null>
  on(event: 'append' | 'truncate' | 'download' | 'close', listener: () => void): unknown
  on(event: 'verification-error', listener: (error: Error) => void): unknown
  off(event: 'append' | 'truncate' | 'download' | 'close', listener: () => void): unknown
  off(event: 'verification-error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}

/** A swarm of peers: Hyperswarm. */
export interface SwarmLike {
  on(event: 'connection', listener: (stream: StreamLike) => void): unknown
  join(topic: Uint8Array, options: { server: boolean; client: boolean }): { flushed(): Promise<unknown> }
  destroy(): Promise<void>
}
