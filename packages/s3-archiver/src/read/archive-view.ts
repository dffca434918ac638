import b4a from 'b4a'
import type { S3ArchiverError } from '../errors.ts'
import type { Commit } from '../format/commit.ts'
import { blindIdOf } from '../format/names.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { readHeadIn, type ArchivedCore } from './archive-reader.ts'
import { BlockSource, type BlockSourceOptions } from './block-source.ts'
import type { StoredCommit } from './commits.ts'
import { checkNotBehind, markOf, type HeadMark } from './head-mark.ts'
import { NewestCommit } from './newest-commit.ts'
import { ReadPack } from './read-pack.ts'

export type ArchiveViewOptions = BlockSourceOptions

const MOVED: ReadonlySet<string> = new Set(['S3_ARCHIVER_DAMAGED', 'S3_ARCHIVER_NOT_ARCHIVED'])

/** A core as its archive has it now. */
export class ArchiveView {
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #options: ArchiveViewOptions
  readonly #call: CallOptions
  readonly #commits: NewestCommit
  #newest: StoredCommit
  #source: BlockSource
  #mark: HeadMark
  #updating: Promise<void> | null = null
  /** Is told of another head. */
  listener: (() => void) | null = null

  private constructor(
    store: ObjectStore,
    key: Uint8Array,
    options: ArchiveViewOptions,
    found: { commits: NewestCommit; newest: StoredCommit; source: BlockSource; mark: HeadMark }
  ) {
    this.#store = store
    this.#key = key
    this.#options = options
    this.#call = callOf(options)
    this.#commits = found.commits
    this.#newest = found.newest
    this.#source = found.source
    this.#mark = found.mark
  }

  /**
   * Cost: a list and a get, unless the newest commit is known already; more in an archive of many cores.
   *
   * @param commits - of the archive, when others are read out of it, too
   * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_DAMAGED`, and what the store throws
   */
  static async open(
    store: ObjectStore,
    key: Uint8Array,
    options: ArchiveViewOptions,
    commits: NewestCommit = new NewestCommit(store, callOf(options))
  ): Promise<ArchiveView> {
    let newest = await commits.known()
    let archived: ArchivedCore
    try {
      archived = await headIn(store, key, newest, options)
    } catch (error) {
      // It may have come, or been moved, since somebody looked last.
      const later = MOVED.has((error as S3ArchiverError).code) ? await commits.look() : newest
      if (later === newest) throw error
      newest = later
      archived = await headIn(store, key, newest, options)
    }
    const mark = markOf(newest as StoredCommit, archived)
    const source = new BlockSource(store, archived, options)
    const view = new ArchiveView(store, key, options, {
      commits,
      newest: newest as StoredCommit,
      source,
      mark
    })
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
    await this.#commits.look()
    await this.#goOn()
  }

  /** Goes on to the newest commit that somebody has found. @throws what {@link update} does */
  async goOn(): Promise<void> {
    this.#updating ??= this.#goOn().finally(() => (this.#updating = null))
    return this.#updating
  }

  async #goOn(): Promise<void> {
    const newest = (await this.#commits.known()) as StoredCommit
    if (newest.commit.seq === this.#newest.commit.seq) return
    if (!isChanged(newest.commit, blindIdOf(this.#key), this.#newest.commit.seq)) {
      const { seq } = newest.commit
      this.#newest = newest
      this.#mark = { ...this.#mark, seq, hash: newest.hash }
      return
    }
    const archived = await headIn(this.#store, this.#key, newest, this.#options)
    const mark = markOf(newest, archived)
    checkNotBehind(mark, this.#mark)
    this.#newest = newest
    this.#mark = mark
    if (this.#source.isContinuedBy(archived)) this.#source.grow(archived)
    else this.#source = new BlockSource(this.#store, archived, this.#options)
    this.#equip()
    this.listener?.()
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
}

/** Whether what a commit says of a core may have come after another one: what stands elsewhere is read only then. */
function isChanged({ entries, carried, checkpoint }: Commit, blindId: Uint8Array, since: number): boolean {
  if (entries.some((entry) => b4a.equals(entry.blindId, blindId))) return true
  const place = carried.find((one) => b4a.equals(one.blindId, blindId)) ?? checkpoint
  return place === null || place.seq > since
}

async function headIn(
  store: ObjectStore,
  key: Uint8Array,
  stored: StoredCommit | null,
  options: ArchiveViewOptions
): Promise<ArchivedCore> {
  try {
    return await readHeadIn(store, key, stored, callOf(options))
  } catch (error) {
    // The next one who asks reads it where it is, and not what was kept of it.
    const checkpoint = stored?.commit.checkpoint
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED' && checkpoint != null)
      await options.forget?.(checkpoint.name).catch(() => {})
    throw error
  }
}

function callOf({ signal }: ArchiveViewOptions): CallOptions {
  return signal === undefined ? {} : { signal }
}
