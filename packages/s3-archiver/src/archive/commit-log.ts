import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { S3ArchiverError } from '../errors.ts'
import { encodeCommit, hashOf, type Commit } from '../format/commit.ts'
import { commitName, COMMITS, givenUpName, KEPT_PLACE } from '../format/names.ts'
import { newestCommit, type StoredCommit } from '../read/commits.ts'
import { readObject } from '../read/objects.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { noConditions } from '../store/probe.ts'
import { OPEN_MS } from './ages.ts'
import { nextDirectory } from './next-directory.ts'

/** How often a put of which nothing is known is tried, before its failure is told. */
const ATTEMPTS = 5

export interface CommitLogOptions {
  /** 16 bytes that this archiver keeps, by which it knows its own commits again. */
  writerId: Uint8Array
  /** Also when another archiver has written the archive: that one can write no more. @defaultValue false */
  takeOver?: boolean
  /** @defaultValue Date.now */
  now?: () => number
}

/** What a new commit says besides where it stands. */
export type CommitContent = Pick<Commit, 'checkpoint' | 'carried' | 'entries' | 'fronts' | 'tail'>

interface Pending {
  commit: Commit
  bytes: Uint8Array
  /** Whether a put of it was left without an answer: it may yet come to be. */
  isOpen: boolean
}

/**
 * The one history of an archive, which one archiver writes at a time. A commit is an object that is only made where there is none: of two
 * archivers that write the same place one wins, and the other knows that it is no longer the one. Who begins to write claims the next
 * place, so that nobody who wrote before can go on unnoticed: nobody else has made the commit after its last one, and no claim is ever
 * removed, so it finds that place taken however long it was away.
 */
export class CommitLog {
  readonly #store: ObjectStore
  readonly #options: CommitLogOptions
  readonly #now: () => number
  #newest: StoredCommit
  #isFenced = false
  /** Of which it is not known whether it is there. */
  #pending: Pending | null = null

  private constructor(store: ObjectStore, options: CommitLogOptions, newest: StoredCommit) {
    this.#store = store
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#newest = newest
  }

  /**
   * Claims the archive.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_HELD` when another archiver has written it, `S3_ARCHIVER_FENCED` when another one claims it in the
   * same moment, `S3_ARCHIVER_DAMAGED`
   */
  static async claim(
    store: ObjectStore,
    options: CommitLogOptions,
    call: CallOptions = {}
  ): Promise<CommitLog> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await CommitLog.#claimOnce(store, options, call)
      } catch (error) {
        if ((error as S3ArchiverError).code !== 'S3_ARCHIVER_FENCED' || attempt >= ATTEMPTS) throw error
        // A claim that had no answer, and was given up, may have come to be in the meantime.
        const winner = await newestCommit(store, call)
        if (winner !== null && !b4a.equals(winner.commit.writerId, options.writerId)) throw error
      }
    }
  }

  static async #claimOnce(
    store: ObjectStore,
    options: CommitLogOptions,
    call: CallOptions
  ): Promise<CommitLog> {
    const newest = await newestCommit(store, call)
    const isForeign = newest !== null && !b4a.equals(newest.commit.writerId, options.writerId)
    if (isForeign && options.takeOver !== true) {
      const help =
        'another archiver writes this archive; pass `takeOver` to write it from here, and that one cannot any more'
      throw new S3ArchiverError('S3_ARCHIVER_HELD', help)
    }
    const before = newest ?? { commit: null, hash: b4a.alloc(32) }
    const log = new CommitLog(store, options, before as StoredCommit)
    const content = { ...nextDirectory(before.commit, []), fronts: [], tail: b4a.alloc(0) }
    const { commit } = await log.#append('claim', (before.commit?.epoch ?? 0) + 1, content, call)
    // It says nothing new, so it is no moment to be restored.
    await store.putIfAbsent(givenUpName(commitName(commit.seq)), KEPT_PLACE, call)
    return log
  }

  /** The newest commit, which is this archiver's own. */
  get newest(): StoredCommit {
    return this.#newest
  }

  /**
   * Adds a commit. One at a time; after a failure {@link settle} says what has come of it.
   *
   * @returns once it is durable, and known to count
   * @throws S3ArchiverError `S3_ARCHIVER_FENCED` when another archiver has taken over, now and ever after; else what the store throws
   */
  async append(content: CommitContent, call: CallOptions = {}): Promise<StoredCommit> {
    return this.#append('data', this.#newest.commit.epoch, content, call)
  }

  /**
   * Tries whether the store makes the newest commit once more, the same: then it overwrites what is there. One request.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_STORE_NO_CONDITIONS`
   */
  async probe(call: CallOptions = {}): Promise<void> {
    const { commit } = this.#newest
    if (await this.#store.putIfAbsent(commitName(commit.seq), encodeCommit(commit), call))
      throw noConditions()
  }

  /**
   * Finishes a commit of which a failure left open whether it is there.
   *
   * @returns the newest commit
   * @throws what {@link append} does; it may be tried again
   */
  async settle(call: CallOptions = {}): Promise<StoredCommit> {
    if (this.#pending !== null) await this.#finish(this.#pending, call)
    return this.#newest
  }

  async #append(
    kind: Commit['kind'],
    epoch: number,
    content: CommitContent,
    call: CallOptions
  ): Promise<StoredCommit> {
    if (this.#pending !== null)
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'the commit before has to be settled first')
    const { commit: before, hash: previous } = this.#newest as { commit: Commit | null; hash: Uint8Array }
    const { writerId } = this.#options
    const commit: Commit = {
      kind,
      seq: (before?.seq ?? -1) + 1,
      timeMs: this.#now(),
      previous,
      epoch,
      writerId,
      nonce: crypto.randomBytes(16),
      ...content
    }
    this.#pending = { commit, bytes: encodeCommit(commit), isOpen: false }
    return this.#finish(this.#pending, call)
  }

  async #finish(pending: Pending, call: CallOptions): Promise<StoredCommit> {
    if (this.#isFenced) throw fenced()
    const { commit, bytes } = pending
    if (!(await this.#isOurs(pending, call))) {
      this.#isFenced = true
      throw fenced()
    }
    this.#pending = null
    this.#newest = { commit, hash: hashOf(bytes) }
    return this.#newest
  }

  /** Puts a commit until it is known whose the place is. To put it again is safe: it is the same. */
  async #isOurs(pending: Pending, call: CallOptions): Promise<boolean> {
    const { bytes } = pending
    const { seq, timeMs } = pending.commit
    for (let attempt = 1; ; attempt++) {
      // The machine may have slept since the last one.
      if (Math.abs(this.#now() - timeMs) > OPEN_MS) return this.#wasOurs(pending, call)
      if (pending.isOpen && (await this.#isSurpassed(seq, call))) return false
      try {
        if (await this.#store.putIfAbsent(commitName(seq), bytes, { ...call, kind: 'commit' })) return true
        const there = await readObject(this.#store, commitName(seq), call)
        // Whoever lost a place to a commit that was tidied up since has been away for long.
        return there !== null && b4a.equals(there, bytes)
      } catch (error) {
        const { ambiguous } = error as S3ArchiverError
        pending.isOpen ||= ambiguous
        if (!pending.isOpen) this.#pending = null
        if (!ambiguous || attempt >= ATTEMPTS) throw error
      }
    }
  }

  /** Of a commit that was left open long ago: what it names may be gone by now, so it is not put again. */
  async #wasOurs({ commit, bytes }: Pending, call: CallOptions): Promise<boolean> {
    const there = await readObject(this.#store, commitName(commit.seq), call)
    if (there !== null) return b4a.equals(there, bytes)
    this.#pending = null
    const help = 'a commit has not come to be, and is too old to be made: what it names is archived anew'
    throw new S3ArchiverError('S3_ARCHIVER_STORE_UNAVAILABLE', help, { retryable: true })
  }

  /** A commit that was left open may have come to be, been followed by another archiver's claim, and been pruned: its place is not taken twice. */
  async #isSurpassed(seq: number, call: CallOptions): Promise<boolean> {
    for await (const { name } of this.#store.list(COMMITS, { ...call, limit: 1 }))
      return name < commitName(seq)
    return false
  }
}

function fenced(): S3ArchiverError {
  return new S3ArchiverError(
    'S3_ARCHIVER_FENCED',
    'another archiver has taken over this archive; this one writes no more'
  )
}
