import { badArgument, bytes, checkArguments, least, type Rule, RULES } from '../arguments.ts'
import type { KeyPairLike } from '../core-writer.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { Moment } from '../read/commits.ts'
import type { CorestoreLike } from '../types.ts'

/**
 * Which state of a core: that of a commit, of a time by the store's clock in ms since 1970, or the newest with no more blocks, on the line that the archive holds now or
 * on that of a fork. Only states that were archived are signed, and can be restored; between them a snapshot of the next one has what is wanted.
 */
export type RestorePoint = Moment | { length: number; fork?: number }

/** Who is to write the core from now on. Its key pair, or the name under which the Corestore derives that. */
export type NewWriter = { keyPair: KeyPairLike } | { name: string }

export interface RestoreOptions extends CallOptions {
  /** Where it goes. It must not hold the core, and not have it open. */
  corestore: CorestoreLike
  /** Key of the core, 32 bytes: all that is trusted. */
  key: Uint8Array
  /** @defaultValue the newest */
  at?: RestorePoint
  /**
   * `all` blocks; `held`: those that the archive has; `none`: the core without any, to be filled by peers. Or runs of blocks; what is archived
   * together is restored together, so it may be some more.
   *
   * @defaultValue 'all'
   */
  blocks?: 'all' | 'held' | 'none' | readonly { start: number; end: number }[]
  /**
   * Makes it writable here, and nowhere else: takes the archive over, so that the archiver before is fenced, and continues the core on a
   * fork of its own, far from any that the lost device may have begun. That device must not write again. Needs a store that can be written,
   * and the newest state.
   */
  writable?: NewWriter
  /** With `writable`: see `ArchiverOptions`. @defaultValue made from the Corestore's primary key */
  writerId?: Uint8Array
  /** Objects that are read at once; of large ones only two. @defaultValue 8 */
  parallel?: number
  onProgress?: (progress: RestoreProgress) => void
}

export interface RestoreProgress {
  /** Blocks that are restored, those of an earlier run included. */
  blocks: number
  /** Blocks that will be. */
  of: number
  /** Bytes of blocks that were read in this run. */
  bytes: number
}

const WHICH: Rule = {
  is: (value) => ['all', 'held', 'none'].includes(value as string) || RULES.ranges.is(value),
  says: "'all', 'held', 'none', or runs of blocks"
}
const POINT: Rule = {
  is: (value) => {
    const { seq, timeMs, length, fork } = (value ?? {}) as Record<string, unknown>
    const given = [seq, timeMs, length].filter((one) => one !== undefined)
    if (given.length !== 1 || (fork !== undefined && length === undefined)) return false
    return timeMs === undefined ? [...given, fork ?? 0].every(least(0).is) : RULES.time.is(timeMs)
  },
  says: '{ seq }, { timeMs }, or { length } with or without `fork`'
}
const WRITER: Rule = {
  is: (value) => {
    const { keyPair, name } = (value ?? {}) as Record<string, unknown>
    return keyPair === undefined ? RULES.text.is(name) && name !== '' : RULES.keyPair.is(keyPair)
  },
  says: '{ name } or { keyPair }'
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
export function checkOptions(store: ObjectStore, options: RestoreOptions): void {
  checkArguments({ store }, { store: RULES.store }, ['store'])
  const rules = {
    corestore: RULES.corestore,
    key: RULES.key,
    at: POINT,
    blocks: WHICH,
    writable: WRITER,
    writerId: bytes(16),
    parallel: least(1),
    onProgress: RULES.listener,
    signal: RULES.signal
  }
  checkArguments(options, rules, ['corestore', 'key'])
  const { at, writable } = options
  if (writable !== undefined && at !== undefined)
    throw badArgument('only the newest state is restored to be written')
}

/** What was restored, and how it is known to be right. */
export interface Restored {
  fork: number
  /** In blocks. */
  length: number
  /** Of all blocks up to there, restored or not. */
  byteLength: number
  /** That the core's key has signed; 32 bytes. */
  treeHash: Uint8Array
  /** Of the archive's commit, and when it was made by its author's clock. */
  seq: number
  timeMs: number
  /** Blocks that are there now. Each was hashed, and compared with the signed tree. */
  blocks: number
  /** Of these, those that an earlier run had restored and checked. */
  resumed: number
  /** Blocks that are not there: the archive lacks them, or they were not asked for. */
  missing: number
  /** Bytes of blocks that were read in this run. */
  bytes: number
  writable: boolean
}
