import { badArgument, bytes, checkArguments, RULES } from '../arguments.ts'
import type { Clock } from '../clock.ts'
import type { ObjectStore, SignalLike } from '../store/object-store.ts'
import type { CoreSource } from './change-feed.ts'

export interface ArchiverOptions extends CoreSource {
  /** 16 bytes by which this archiver knows its own archive again. @defaultValue made from the Corestore's primary key; without one new ones, so that each start has to take over */
  writerId?: Uint8Array
  /** Also when another archiver has written the archive: that one can write no more. @defaultValue false */
  takeOver?: boolean
  /** Whether what is appended is archived by itself. Else only when `flush` is called. @defaultValue true */
  live?: boolean
  /** How long after the first write that is not archived the next flush begins, in ms. @defaultValue 1000 */
  debounceMs?: number
  /** Limit of what is uploaded. @defaultValue Infinity */
  bytesPerSecond?: number
  /** Whether a store that is empty is tried for what an archive needs before it is used: about 20 requests. @defaultValue true */
  probe?: boolean
  /** Closes the archiver. */
  signal?: SignalLike
  /** @defaultValue the system's */
  clock?: Clock
}

/** What a flush has archived. */
export interface Flushed {
  /** Of the last commit. */
  seq: number
  /** Cores that had changed. */
  cores: number
  blocks: number
  /** Of these blocks. */
  bytes: number
  /** Blocks that the archive lacks of these cores, because they do. */
  missing: number
}

/** What an archiver tells of, unasked. */
export interface ArchiverEvents {
  ready: []
  close: []
  /** An object is durable. It counts once a commit names it. Sums since the archiver was opened, tails in commits not included. */
  progress: [progress: { objects: number; bytes: number }]
  /** A commit was made. A large upload makes several. */
  archived: [flushed: Flushed]
  /** A core lacks blocks, and so does its archive. They are archived once they are there. */
  gap: [gap: { key: Uint8Array; blocks: number }]
  /** A flush has failed. `retryInMs`: when it is tried again; `null` for never. `key`: of the core that is concerned; `null` for all. */
  failure: [failure: { error: Error; key: Uint8Array | null; retryInMs: number | null }]
  /** Another archiver has taken over. This one does nothing any more. */
  fenced: [error: Error]
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export function checkOptions(store: ObjectStore, options: ArchiverOptions): void {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  checkArguments(options, {
    cores: RULES.cores,
    corestore: RULES.corestore,
    writerId: bytes(16),
    takeOver: RULES.flag,
    live: RULES.flag,
    debounceMs: RULES.time,
    bytesPerSecond: RULES.amount,
    probe: RULES.flag,
    signal: RULES.signal,
    clock: RULES.clock
  })
  if (options.cores === undefined && options.corestore === undefined)
    throw badArgument('an archiver has `cores`, or a `corestore`')
}
