import { commitSeq, COMMITS } from '../format/names.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import { commitAt, newestCommit, type StoredCommit } from './commits.ts'
import { rollback } from './head-mark.ts'
import { damaged } from './objects.ts'

/** The newest commit of an archive, as far as it was looked for: one for all cores that are read out of it. */
export class NewestCommit {
  readonly #store: ObjectStore
  readonly #call: CallOptions
  #known: StoredCommit | null = null
  #looking: Promise<StoredCommit | null> | null = null

  constructor(store: ObjectStore, call: CallOptions) {
    this.#store = store
    this.#call = call
  }

  /** The one that was found last; else it is looked for. @returns `null` of an empty archive */
  async known(): Promise<StoredCommit | null> {
    return this.#known ?? this.look()
  }

  /**
   * Looks for a newer one. Who asks meanwhile gets the same answer. Cost: a list, and a get when there is one.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK`, `S3_ARCHIVER_DAMAGED`, and what the store throws; what was known stays
   */
  look(): Promise<StoredCommit | null> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null))
    return this.#looking
  }

  async #look(): Promise<StoredCommit | null> {
    this.#known =
      this.#known === null ? await newestCommit(this.#store, this.#call) : await this.#after(this.#known)
    return this.#known
  }

  async #after(stored: StoredCommit): Promise<StoredCommit> {
    const { seq: known } = stored.commit
    for await (const { name } of this.#store.list(COMMITS, { ...this.#call, limit: 1 })) {
      const seq = commitSeq(name)
      if (seq === null) throw damaged('among the commits lies what is none')
      if (seq < known) throw rollback(`commit ${seq} is there, and commit ${known} was seen before`)
      return seq === known ? stored : commitAt(this.#store, seq, this.#call)
    }
    throw rollback('it is empty')
  }
}
