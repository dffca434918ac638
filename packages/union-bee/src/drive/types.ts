import type { BeeLike, Skipped, WritableBeeLike } from '../types.ts'

/** A file or a symbolic link, as Hyperdrive has it. */
export interface DriveEntry {
  seq: number
  /** Absolute path. */
  key: string
  value: {
    executable: boolean
    linkname: string | null
    /** Where its bytes are; `null` for a link and an empty file. */
    blob: unknown
    metadata: unknown
  }
  /** Of `entry`: drives that matter and were left out. Absent: the answer is complete. */
  skipped?: readonly Skipped[]
}

/** What a union of drives tells of a path. */
export interface DriveAnswer {
  /** `null`: no drive that answered shows a file there. */
  entry: DriveEntry | null
  /** Name of the drive that has it: `drive-N`, counted from 0, the top first. */
  source: string | null
  /** Drives that matter and were left out. Empty: the answer is complete. */
  skipped: readonly Skipped[]
}

/** A stream of the field. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  on(event: 'data', listener: (data: Uint8Array) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): unknown
  resume(): unknown
  destroy(error?: Error): unknown
}

/** In bytes. `end` is included, as in Hyperdrive. */
export interface ByteRange {
  start?: number
  end?: number
  length?: number
}

/** Bounds of a list, in byte order of paths. */
export interface PathRange {
  gt?: string
  gte?: string
  lt?: string
  lte?: string
}

/** The part of a Hyperdrive a union reads. Structural: a checkout fits too. */
export interface DriveLike {
  /** Where its whiteouts are; without it the drive has none. */
  readonly db?: BeeLike
  entry(name: string): Promise<DriveEntry | null>
  /** In byte order of paths. */
  entries(range?: PathRange, options?: { limit?: number }): AsyncIterable<DriveEntry>
  get(entry: never): Promise<Uint8Array | null>
  createReadStream(entry: never, options?: ByteRange): unknown
  ready?(): Promise<void>
}

/** How a file is written. */
export interface FileOptions {
  executable?: boolean
  metadata?: unknown
}

/** What a top needs besides. */
export interface WritableDriveLike extends DriveLike {
  readonly db: WritableBeeLike
  put(name: string, data: Uint8Array, options?: FileOptions): Promise<unknown>
  del(name: string): Promise<unknown>
  symlink(name: string, target: string, options?: { metadata?: unknown }): Promise<unknown>
  createWriteStream(name: string, options?: FileOptions): unknown
}
