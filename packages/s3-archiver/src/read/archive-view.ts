import { commitSeq, COMMITS } from '../format/names.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { readHeadIn } from './archive-reader.ts'
import { BlockSource, type BlockSourceOptions } from './block-source.ts'
import { commitAt, newestCommit, type StoredCommit } from './commits.ts'
import { checkNotBehind, markOf, rollback, type HeadMark } from './head-mark.ts'
import { ReadPack } from './read-pack.ts'

export type ArchiveViewOptions = BlockSourceOptions

/** A core as its archive has it now. */
export class ArchiveView {
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #options: ArchiveViewOptions
  readonly #call: CallOptions
  #newest: StoredCommit
  #source: BlockSource
  #mark: HeadMark
  #updating: Promise<void> | null = null

  private constructor(
    store: ObjectStore,
    key: Uint8Array,
    options: ArchiveViewOptions,
    found: { newest: StoredCommit; source: BlockSource; mark: HeadMark }
  ) {
    const { cacheBytes: _, chunkBytes: __, ...call } = options
    this.#store = store
    this.#key = key
    this.#options = options
    this.#call = call
    this.#newest = found.newest
    this.#source = found.source
    this.#mark = found.mark
  }

  /**
   * Cost: a list and a get; more in an archive of many cores.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, and what the store throws
   */
  static async open(store: ObjectStore, key: Uint8Array, options: ArchiveViewOptions): Promise<ArchiveView> {
    const { cacheBytes: _, chunkBytes: __, ...call } = options
    const stored = await newestCommit(store, call)
    const archived = await readHeadIn(store, key, stored, call)
    const newest = stored as StoredCommit
    const mark = markOf(newest, archived)
    const source = new BlockSource(store, archived, options)
    const view = new ArchiveView(store, key, options, { newest, source, mark })
    view.#equip()
    return view
  }

  /** Blocks and nodes of the newest head. Another one after a truncation. */
  get source(): BlockSource {
    return this.#source
  }

  get mark(): HeadMark {
    return this.#mark
  }

  /**
   * Looks for a newer head. Cost: a list, and a get when there is one. It is done also when a block is not where it was: it may have been moved.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK`, and what {@link open} throws; what was known stays
   */
  update(): Promise<void> {
    this.#updating ??= this.#update().finally(() => (this.#updating = null))
    return this.#updating
  }

  async #update(): Promise<void> {
    const newest = await this.#findNewest()
    if (newest === null) return
    const archived = await readHeadIn(this.#store, this.#key, newest, this.#call)
    const mark = markOf(newest, archived)
    checkNotBehind(mark, this.#mark)
    const { fork } = this.#mark
    this.#newest = newest
    this.#mark = mark
    if (mark.fork === fork) this.#source.grow(archived)
    else this.#source = new BlockSource(this.#store, archived, this.#options)
    this.#equip()
  }

  /** What the newest commit brings besides the head: small blocks, and where the others are found fast. */
  #equip(): void {
    const { commit } = this.#newest
    this.#source.offerTail(commit.seq, commit.tail)
    this.#source.refresh = () => this.update()
    const { entry } = this.#source.archived
    const known = this.#source.hints
    if (known instanceof ReadPack && known.seq === entry.front) return
    this.#source.hints =
      entry.front === null
        ? null
        : new ReadPack(this.#store, this.#source, { seq: entry.front, newest: this.#newest, ...this.#call })
  }

  /** @returns `null` when there is nothing new */
  async #findNewest(): Promise<StoredCommit | null> {
    const { seq: known } = this.#newest.commit
    for await (const { name } of this.#store.list(COMMITS, { ...this.#call, limit: 1 })) {
      const seq = commitSeq(name) ?? -1
      if (seq < known) throw rollback(`commit ${seq} is there, and commit ${known} was seen before`)
      return seq === known ? null : await commitAt(this.#store, seq, this.#call)
    }
    throw rollback('it is empty')
  }
}
