import b4a from 'b4a'
import type { Commit } from '../format/commit.ts'
import type { Entry } from '../format/entry.ts'
import { commitName, commitSeq } from '../format/names.ts'
import { objectsOfSegmentList } from '../format/segment-list.ts'
import type { S3ArchiverError } from '../errors.ts'
import { commitAt } from '../read/commits.ts'
import { allEntries, findEntry } from '../read/directory.ts'
import { readNamed } from '../read/objects.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

/** What commits need, found without any key: names of objects, each looked into once. */
export class Reach {
  readonly #store: ObjectStore
  readonly #call: CallOptions
  readonly #names = new Set<string>()
  /** Entries that were looked into, by core and commit. */
  readonly #entries = new Set<string>()

  readonly #withLines: boolean

  /** @param withLines - also what is needed for the last state of each line that a core has given up */
  constructor(store: ObjectStore, call: CallOptions, withLines = false) {
    this.#store = store
    this.#call = call
    this.#withLines = withLines
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  get names(): ReadonlySet<string> {
    return this.#names
  }

  /**
   * Adds a commit, with all that is needed to read every core as it was then. Cost: a get for its checkpoint, and
   * for each segment list and each earlier commit that it refers to, unless that is known.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` when something of that is missing
   */
  async add(commit: Commit): Promise<void> {
    this.#names.add(commitName(commit.seq))
    if (commit.checkpoint !== null) this.#names.add(commit.checkpoint.name)
    for (const { seq } of commit.carried) this.#names.add(commitName(seq))
    for (const entry of (await allEntries(this.#store, commit, this.#call)).values())
      await this.#addEntry(entry)
  }

  async #addEntry(entry: Entry): Promise<void> {
    const id = `${entry.seq} ${b4a.toString(entry.blindId, 'hex')}`
    if (this.#entries.has(id)) return
    this.#entries.add(id)
    for (const name of entry.objects) await this.#addObject(name)
    if (entry.front !== null) await this.#addFront(entry, entry.front)
    if (this.#withLines && entry.previous !== null) await this.#addPrevious(entry, entry.previous)
  }

  async #addObject(name: string): Promise<void> {
    if (this.#names.has(name)) return
    this.#names.add(name)
    if (!name.startsWith('x/')) return
    for (const inside of objectsOfSegmentList(await readNamed(this.#store, name, this.#call)))
      await this.#addObject(inside)
  }

  async #addFront({ blindId }: Entry, seq: number): Promise<void> {
    this.#names.add(commitName(seq))
    const { commit } = await commitAt(this.#store, seq, this.#call)
    for (const front of commit.fronts)
      if (b4a.equals(front.blindId, blindId)) for (const name of front.objects) this.#names.add(name)
  }

  /** A line that was given up may have been pruned already. */
  async #addPrevious({ blindId }: Entry, seq: number): Promise<void> {
    const commit = await unlessMissing(commitAt(this.#store, seq, this.#call))
    const entry = commit && (await findEntry(this.#store, commit.commit, blindId, this.#call))
    if (commit === null || entry === null) return
    this.#names.add(commitName(seq))
    if (commit.commit.checkpoint !== null) this.#names.add(commit.commit.checkpoint.name)
    await this.#addEntry(entry)
  }
}

/** What an object of an archive is, by its name; `null` for what is none. */
export function kindOf(name: string): 'commit' | 'shard' | 'index' | 'page' | null {
  if (commitSeq(name) !== null) return 'commit'
  const match = /^([sxp])\/([0-9a-f]{2})\/\2[0-9a-f]{30}$/.exec(name)
  if (match === null) return null
  return match[1] === 's' ? 'shard' : match[1] === 'x' ? 'index' : 'page'
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED') return null
    throw error
  }
}
