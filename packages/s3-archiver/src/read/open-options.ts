import type { S3ArchiverError } from '../errors.ts'
import type { ObjectStore, SignalLike } from '../store/object-store.ts'
import type { CorestoreLike } from '../types.ts'
import type { HeadMark } from './head-mark.ts'

export interface OpenFromArchiveOptions {
  /** Key of the core, 32 bytes: all that is trusted. */
  key: Uint8Array
  /** Decrypts the blocks; what Hypercore takes as `encryption`. */
  encryption?: Uint8Array | { key: Uint8Array; block?: boolean }
  /**
   * Where the blocks go that were read: they need not be fetched again, and what was seen of the archive is kept there, too, so that a rollback
   * is noticed. Borrowed. @defaultValue one in a directory for temporary files, which is removed on close
   */
  corestore?: CorestoreLike
  /**
   * Whether other sessions of the core in that Corestore read from the archive, too, as those that a Hyperdrive opens. Hypercore then reads as from any peer,
   * and so at times more than somebody waits for. @defaultValue false: `core`, and sessions of it
   */
  allSessions?: boolean
  /**
   * Tells this archive from others of the same core, when one Corestore reads several: for each it is kept what was seen of it. Else the one
   * that is behind is taken for a rollback. @defaultValue all archives of a core are one
   */
  archive?: string
  /** Of what was fetched, how much is kept in memory. @defaultValue 32 MiB */
  cacheBytes?: number
  /** Where parts of objects are kept that were read: as a rule a directory. Borrowed. @defaultValue nowhere */
  cache?: ObjectStore
  /** Of that, the most bytes; what was put there first goes first. @defaultValue 256 MiB */
  maxCacheBytes?: number
  /** Looks for a newer head every so many ms. @defaultValue never, but by `update()` */
  pollMs?: number
  /** What was seen of the archive before; see {@link OpenedArchive.mark}. */
  mark?: HeadMark
  /** Ends it all. */
  signal?: SignalLike
  /** The core has changed. */
  onchange?: (head: { fork: number; length: number }) => void
  /** A look for a newer head has failed; it is tried again. */
  onerror?: (error: S3ArchiverError) => void
}
