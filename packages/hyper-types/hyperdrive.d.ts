// hyperdrive 13.3.4
declare module 'hyperdrive' {
  import type Corestore from 'corestore'
  import type Hyperbee from 'hyperbee'
  import type Hypercore from 'hypercore'
  import type { ReplicationStream } from 'hypercore'

  export interface DriveEntry {
    seq: number
    key: string
    value: {
      executable: boolean
      linkname: string | null
      blob: { byteOffset: number; blockOffset: number; blockLength: number; byteLength: number } | null
      metadata: unknown
    }
  }

  export interface DriveStream<T> extends AsyncIterable<T> {
    destroy(error?: Error | null): void
  }

  export interface DriveWriteStream {
    write(data: Uint8Array): boolean
    end(data?: Uint8Array): void
    on(event: 'close' | 'drain' | 'finish', fn: () => void): this
  }

  /** Closes its Corestore too. */
  export default class Hyperdrive {
    /** @param key - of a drive that exists; without one a new one is made */
    constructor(corestore: Corestore, key?: Uint8Array | null)

    readonly db: Hyperbee<string, unknown>
    readonly key: Uint8Array
    readonly core: Hypercore
    readonly version: number
    readonly supportsMetadata: boolean

    /** `null` while it is not known where they are. */
    getBlobs(): Promise<{ core: Hypercore } | null>
    /** As it was at a version, read-only. */
    checkout(version: number): Hyperdrive
    update(options?: { wait?: boolean }): Promise<boolean>
    ready(): Promise<void>
    close(): Promise<void>
    entry(
      name: string | DriveEntry,
      options?: { wait?: boolean; timeout?: number }
    ): Promise<DriveEntry | null>
    /** Keys begin with a slash, in byte order. */
    entries(
      range?: { gt?: string; gte?: string; lt?: string; lte?: string },
      options?: { reverse?: boolean; limit?: number }
    ): DriveStream<DriveEntry>
    get(name: string | DriveEntry, options?: { wait?: boolean; timeout?: number }): Promise<Uint8Array | null>
    put(name: string, data: Uint8Array, options?: { executable?: boolean; metadata?: unknown }): Promise<void>
    del(name: string): Promise<void>
    symlink(name: string, target: string): Promise<void>
    list(folder?: string, options?: { recursive?: boolean }): DriveStream<DriveEntry>
    readdir(folder?: string): DriveStream<string>
    createReadStream(
      name: string | DriveEntry,
      options?: { start?: number; end?: number; length?: number }
    ): DriveStream<Uint8Array>
    createWriteStream(name: string, options?: { executable?: boolean; metadata?: unknown }): DriveWriteStream
    replicate(isInitiator: boolean): ReplicationStream
  }
}
