import b4a from 'b4a'
import type { S3ArchiverError } from '../errors.ts'
import { blindIdOf } from '../format/names.ts'
import { unsealFront, unsealPage, type PackFront, type Page, type PagePlace } from '../format/page.ts'
import { isHeadOf } from '../hypercore-adapter.ts'
import { checkClaims, isSameNode } from '../merkle/claims.ts'
import { combine, type TreeNode } from '../merkle/subtree.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { BlockHints, BlockSource } from './block-source.ts'
import { commitAt, type StoredCommit } from './commits.ts'
import { damaged } from './objects.ts'
import type { Claims } from './segment-reader.ts'

/** Pages that are read for one block: a pack that leads on without end is passed over. */
const MAX_TRIES = 8

export interface ReadPackOptions extends CallOptions {
  /** Of the commit that has the pack's front. */
  seq: number
  /** The newest commit, which may be that. */
  newest: StoredCommit
}

/**
 * Where the blocks of a bee lie together that are read together. It is a help, and no more: what is missing or damaged in it is read from the
 * shards, and what it gives is checked as everything is.
 */
export class ReadPack implements BlockHints {
  readonly seq: number
  readonly #store: ObjectStore
  readonly #source: BlockSource
  readonly #options: ReadPackOptions
  #opening: Promise<PackFront | null> | null = null
  readonly #pages: PagePlace[] = []
  /** Places of pages among these, by where they lie. */
  readonly #known = new Map<string, number>()
  /** Pages by the blocks that they are found by. */
  readonly #located = new Map<number, number[]>()
  /** Pages that are on their way, or were read. */
  readonly #loading = new Map<number, Promise<Page | null>>()
  /** Pages that have said what lies behind them. */
  readonly #noted = new Set<number>()

  constructor(store: ObjectStore, source: BlockSource, options: ReadPackOptions) {
    this.#store = store
    this.#source = source
    this.#options = options
    this.seq = options.seq
  }

  async find(seq: number): Promise<Claims | null> {
    this.#opening ??= this.#open()
    const front = await this.#opening
    if (front === null) return null
    if (front.blocks.has(seq)) return front
    const tried = new Set<number>()
    while (tried.size < MAX_TRIES) {
      // A page may only say which one it is behind it.
      const at = this.#candidates(seq).find((at) => !tried.has(at))
      if (at === undefined) return null
      tried.add(at)
      const page = await this.#load(at, front)
      if (page?.blocks.has(seq) === true) return page
    }
    return null
  }

  /** A block may lie in several: those that are on their way first, and last those that were here and have not brought it. */
  #candidates(seq: number): number[] {
    const pages = this.#located.get(seq) ?? []
    const worth = (at: number): number => (this.#loading.has(at) ? 2 : this.#noted.has(at) ? 0 : 1)
    return [...pages].sort((a, b) => worth(b) - worth(a))
  }

  async #open(): Promise<PackFront | null> {
    try {
      const { newest, seq, ...call } = this.#options
      const { commit } = newest.commit.seq === seq ? newest : await commitAt(this.#store, seq, call)
      const blindId = blindIdOf(this.#source.key)
      const sealed = commit.fronts.find((front) => b4a.equals(front.blindId, blindId))
      if (sealed === undefined) throw damaged('a commit lacks the front of a read pack')
      const front = unsealFront(this.#source.key, sealed.bytes)
      this.#source.pin(this.#checkedCover(front))
      this.#note(front)
      return front
    } catch (error) {
      // What it holds is in the shards, too; when it is the store that fails, they say so, and it is tried again.
      if ((error as S3ArchiverError).retryable) this.#opening = null
      return null
    }
  }

  /** The nodes that all others stand on, and all above them. */
  #checkedCover({ cover, fork, length, signature }: PackFront): Iterable<TreeNode> {
    const { record, roots } = this.#source.archived
    if (fork !== record.fork || length > record.length) throw damaged('a read pack is of another head')
    const made = combine(0, length, cover)
    const isSame = length === record.length && made.every((node, i) => roots[i] && isSameNode(node, roots[i]))
    if (!isSame && !isHeadOf(this.#source.key, { ...record, length, signature }, made))
      throw damaged('a read pack is not of a head that the core’s key has signed')
    const byPlace = new Map(made.map((node) => [node.index, node]))
    const checked = checkClaims(cover, (index) => byPlace.get(index) ?? null)
    if (checked === null) throw damaged('a read pack is not of its core')
    return [...checked.values(), ...made]
  }

  async #load(at: number, front: PackFront): Promise<Page | null> {
    const known = this.#loading.get(at)
    if (known !== undefined) return known
    const loading = this.#read(at, front)
    this.#loading.set(at, loading)
    const page = await loading
    // It is kept as long as its blocks are waited for; they have a cache of their own.
    setTimeout(() => this.#loading.delete(at), 0)
    return page
  }

  async #read(at: number, front: PackFront): Promise<Page | null> {
    const { object, offset, byteLength } = this.#pages[at] as PagePlace
    try {
      const sealed = await this.#source.ranges.read(object, offset, offset + byteLength)
      const page = unsealPage(this.#source.key, sealed, front)
      if (!this.#noted.has(at)) this.#note(page)
      this.#noted.add(at)
      return page
    } catch (error) {
      if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED') await this.#source.forget(object)
      return null
    }
  }

  #note({ pages, locator }: Page): void {
    const places = pages.map((page) => this.#placeOf(page))
    for (const [seq, page] of locator) {
      const at = places[page] as number
      const known = this.#located.get(seq)
      if (known === undefined) this.#located.set(seq, [at])
      else if (!known.includes(at)) known.push(at)
    }
  }

  /** The same page may be named more than once. */
  #placeOf(page: PagePlace): number {
    const name = `${page.object} ${page.offset}`
    const at = this.#known.get(name) ?? this.#pages.push(page) - 1
    this.#known.set(name, at)
    return at
  }
}
