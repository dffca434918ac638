import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { S3ArchiverError } from '../errors.ts'
import type { Entry } from '../format/entry.ts'
import { blindIdOf, commitName } from '../format/names.ts'
import { rootsOf, sealRecord, unsealRecord, type CoreRecord } from '../format/record.ts'
import { checkUpstream, headOf, isHeadOf } from '../hypercore-adapter.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { StoredCommit } from '../read/commits.ts'
import { allEntries } from '../read/directory.ts'
import { CommitLog } from './commit-log.ts'
import { idOf, nextDirectory } from './directory.ts'
import { Packer } from './pack.ts'
import type { BeeLike } from '../pack/bee-walk.ts'
import { buildPack } from '../pack/build-pack.ts'
import type { CoreLike } from '../types.ts'

/** What is smaller lies in the commit itself: one request less, and nothing between the blocks and what names them. */
const TAIL_BYTES = 64 * 1024

export interface ArchiverOptions {
  /** Cores to archive. Borrowed: they stay open. No secret key is needed, and none that decrypts. */
  cores: readonly CoreLike[]
  /** 16 bytes by which this archiver knows its own archive again; to be kept. @defaultValue new ones, so that each start has to take over */
  writerId?: Uint8Array
  /** Also when another archiver has written the archive: that one can write no more. @defaultValue false */
  takeOver?: boolean
}

/** What a flush has archived. */
export interface Flushed {
  /** Of the commit. */
  seq: number
  /** Cores that had changed. */
  cores: number
  blocks: number
}

/** What was laid out for readers. */
export interface PackedBee {
  /** Of the commit. */
  seq: number
  pages: number
  bytes: number
}

/** Keeps an archive of cores: uploads what is new, in immutable objects, and then one commit that names it. */
export class Archiver {
  readonly #store: ObjectStore
  readonly #options: ArchiverOptions
  #log: CommitLog | null = null
  /** What the archive holds, by core. */
  readonly #records = new Map<CoreLike, CoreRecord>()
  readonly #entries = new Map<CoreLike, Entry>()
  /** The commit that says so. */
  #noted: StoredCommit | null = null
  #flushing: Promise<unknown> = Promise.resolve()

  /** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
  constructor(store: ObjectStore, options: ArchiverOptions) {
    if (!Array.isArray(options?.cores))
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'an archiver has cores')
    this.#store = store
    this.#options = options
  }

  /**
   * Archives what the cores hold now.
   *
   * @returns once it is durable; `null` when there was nothing new
   * @throws S3ArchiverError `S3_ARCHIVER_HELD`, `S3_ARCHIVER_FENCED`, `S3_ARCHIVER_MISSING_BLOCKS`, `S3_ARCHIVER_LOCAL_DAMAGED`, and what the
   * store throws; nothing is lost, and it may be tried again
   */
  flush(call: CallOptions = {}): Promise<Flushed | null> {
    const flushing = this.#flushing.then(() => this.#flush(call))
    this.#flushing = flushing.catch(() => {})
    return flushing
  }

  async #flush(call: CallOptions): Promise<Flushed | null> {
    const log = (this.#log ??= await this.#claim(call))
    // A commit that was left open by a failure is here or not, and only then it is known what is new.
    await this.#noteRecords(await log.settle(call), call)
    const packer = new Packer(this.#store, call)
    const changed = new Map<CoreLike, CoreRecord>()
    let blocks = 0
    for (const core of this.#options.cores) {
      const head = headOf(core)
      const key = core.key
      const known = this.#records.get(core)
      if (head === null || key === null) continue
      if (known?.fork === head.fork && known.length === head.length) continue
      // Of another fork nothing is taken over; of a longer one, all that is there.
      const kept = known?.fork === head.fork && known.length < head.length ? known.segments : []
      const start = kept === known?.segments ? known.length : 0
      await packer.add({ core, key, fork: head.fork, start, end: head.length })
      changed.set(core, { ...head, segments: kept })
      blocks += head.length - start
    }
    if (changed.size === 0) return null
    const seq = log.newest.commit.seq + 1
    if (packer.pendingBytes > TAIL_BYTES) await packer.finish()
    const tail = packer.finishAs(commitName(seq))
    for (const [core, record] of changed) {
      const segments = [...record.segments, ...(packer.segments.get(core) ?? [])]
      changed.set(core, this.#checked(core, { ...record, segments }))
    }
    const entries = [...changed].flatMap(([core, record]): Entry[] => {
      const { key } = core
      return key === null ? [] : [sealRecord(key, seq, record, this.#linksOf(core, record))]
    })
    const directory = nextDirectory(log.newest.commit, entries)
    const stored = await log.append({ ...directory, fronts: [], tail }, call)
    await this.#noteRecords(stored, call)
    return { seq, cores: changed.size, blocks }
  }

  /**
   * Builds the read pack of a bee that is archived, as it is archived: so that a reader finds what it looks for in few requests. To be built
   * anew once much has changed; until then it serves what has not. See {@link buildPack} for what it costs.
   *
   * @param bee - on one of the cores
   * @returns once it is durable; `null` when the bee is empty
   * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, and what {@link flush} throws
   */
  buildReadPack(bee: BeeLike, options: CallOptions = {}): Promise<PackedBee | null> {
    const packing = this.#flushing.then(() => this.#pack(bee, options))
    this.#flushing = packing.catch(() => {})
    return packing
  }

  async #pack(bee: BeeLike, options: CallOptions): Promise<PackedBee | null> {
    const log = (this.#log ??= await this.#claim(options))
    await this.#noteRecords(await log.settle(options), options)
    await bee.ready()
    const { key } = bee.core as CoreLike
    const core = this.#options.cores.find((core) => key !== null && core.key !== null && b4a.equals(core.key, key))
    const record = core && this.#records.get(core)
    if (core === undefined || key === null || record === undefined)
      throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', 'the bee is not on a core that is archived here')
    const built = await buildPack(this.#store, { bee, core, key, record, roots: rootsOf(record) }, options)
    if (built === null) return null
    const seq = log.newest.commit.seq + 1
    const blindId = blindIdOf(key)
    const { previous = null } = this.#entries.get(core) ?? {}
    const entry = sealRecord(key, seq, record, { front: seq, previous })
    const { objects, front, pages, bytes } = built
    const content = { fronts: [{ blindId, objects, bytes: front }], tail: b4a.alloc(0) }
    const stored = await log.append({ ...nextDirectory(log.newest.commit, [entry]), ...content }, options)
    await this.#noteRecords(stored, options)
    return { seq, pages, bytes }
  }

  async #claim(call: CallOptions): Promise<CommitLog> {
    for (const core of this.#options.cores) {
      await core.ready()
      checkUpstream(core)
    }
    const { writerId = crypto.randomBytes(16), takeOver = false } = this.#options
    return CommitLog.claim(this.#store, { writerId, takeOver }, call)
  }

  /** What a commit says of the cores that are archived here; each is looked at once. */
  async #noteRecords(stored: StoredCommit, call: CallOptions): Promise<void> {
    if (stored === this.#noted) return
    const entries = await allEntries(this.#store, stored.commit, call)
    for (const core of this.#options.cores) {
      const { key } = core
      const entry = key && entries.get(idOf(blindIdOf(key)))
      if (!key || !entry) continue
      this.#records.set(core, unsealRecord(key, entry))
      this.#entries.set(core, entry)
    }
    this.#noted = stored
  }

  /** A read pack serves as long as the core only grows. */
  #linksOf(core: CoreLike, { fork }: CoreRecord): Pick<Entry, 'front' | 'previous'> {
    const { front = null, previous = null } = this.#entries.get(core) ?? {}
    return { front: this.#records.get(core)?.fork === fork ? front : null, previous }
  }

  /** What was read goes with what is signed: what a disk has spoilt is not archived. */
  #checked(core: CoreLike, record: CoreRecord): CoreRecord {
    if (core.key !== null && isHeadOf(core.key, record, rootsOf(record))) return record
    throw new S3ArchiverError(
      'S3_ARCHIVER_LOCAL_DAMAGED',
      'the blocks of a core are not those that its key has signed'
    )
  }
}
