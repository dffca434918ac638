import b4a from 'b4a'
import type { KeyRotationError } from '../errors.ts'
import type { CoreLink } from '../state/state.ts'
import type { CutOff } from '../types.ts'
import { carryRange, carryRoots } from './carry-blocks.ts'
import { closed, isMismatch, mismatch } from './faults.ts'
import type { Bookmark, FollowedBlock, ReadOptions } from './follower-types.ts'
import { checkUpstream, giveUp, hasStored, peersHave } from './hypercore-adapter.ts'
import { placeOf, saidTreeHash, sharedLength } from './lineage.ts'
import { lineageEncryption } from './lineage-encryption.ts'
import { isLinked } from './roll.ts'
import { openSession, type Session, treeHashAt } from './sessions.ts'
import type { RolledCore, StoreLike } from './types.ts'

/** Where a peer says that it has a block of the newest core, others are asked for that of an older one after so long, in ms: it may not give it. */
const PATIENCE_MS = 2000
/** So many cores are looked through between the newest and the one that a block was written to: a thief can have thousands named. */
const MAX_BETWEEN = 64

/** What is needed of the cores of a name. */
export interface Lineage {
  readonly store: StoreLike
  readonly name: string
  /** Oldest first; the last is the one that is read. */
  readonly links: readonly CoreLink[]
  /** Where that one ends. */
  readonly end: CutOff | null
  readonly encryptionKey: Uint8Array | null
  /** The core was truncated to this length. */
  readonly ontruncate: (length: number) => void
}

/** A session of a name's newest core, and of older ones as far as they are needed. Owns them. */
export class FollowedCore {
  readonly core: Session
  readonly lineage: Lineage
  readonly #older = new Map<number, Promise<RolledCore>>()
  /** It has the history that was ended, as far as it was truncated since. */
  #isRight = false
  #isReadOther = false
  #isClosed = false

  private constructor(core: Session, lineage: Lineage) {
    this.core = core
    this.lineage = lineage
    core.on('truncate', (length) => {
      this.#isRight = false
      lineage.ontruncate(length)
    })
  }

  static async open(lineage: Lineage): Promise<FollowedCore> {
    const { store, links, encryptionKey } = lineage
    const { core: key } = links.at(-1) as CoreLink
    const encryption = encryptionKey && lineageEncryption(links, encryptionKey)
    const core = await openSession(store, { key, encryption })
    checkUpstream(core)
    return new FollowedCore(core, lineage)
  }

  /** What was read before is of another history than what counts, it was found. */
  get isReadOther(): boolean {
    return this.#isReadOther
  }

  get link(): CoreLink {
    return this.lineage.links.at(-1) as CoreLink
  }

  /**
   * The block after what was read.
   *
   * @returns `null` when no more is known of, or it cannot be told without waiting
   */
  async read(read: Bookmark, options: ReadOptions): Promise<FollowedBlock | null> {
    const { core, link } = this
    const { position, treeHash } = read
    const { end, links } = this.lineage
    this.#checkRead(read, saidTreeHash(links, position))
    if (end !== null && end.length <= position) {
      await this.#checkAll(read, end)
      return null
    }
    const needed = end?.length ?? position + 1
    if (core.length < needed && options.wait !== false) await core.update({ wait: true })
    // What lies below an end counts by the tree hash there, which a shorter copy does not have: its writer may have truncated it, and written others.
    if (core.length < needed) {
      if (end === null && core.length === position && isLinked(core, link) === true)
        this.#checkRead(read, await treeHashAt(core, position, { wait: false }))
      return null
    }
    if (isLinked(core, link) !== true)
      throw mismatch(`the core of ${this.lineage.name} does not go on from the one before`)
    if (end !== null && !(await this.#isEnded(end, options))) return null
    const block = await this.#block(position, options)
    if (block === null) return null
    if (treeHash !== null) {
      // What was read may have been a thief's second history of the old core. The proof of this block has what tells.
      const isSame = await this.#hasHistory({ length: position, treeHash }, options)
      if (isSame === null) return null
      if (!isSame) throw this.#readOther()
    }
    return { index: position, block, core: link.core }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const older = [...this.#older.values()]
    await Promise.all([
      this.core.close(),
      ...older.map(async (opened) => (await opened.catch(() => null))?.close())
    ])
  }

  /** Also of what was read to its end, and nothing goes on. */
  #checkRead({ position, treeHash }: Bookmark, found: Uint8Array | null): void {
    if (position > 0 && treeHash !== null && found !== null && !b4a.equals(treeHash, found))
      throw this.#readOther()
  }

  /** Of all that counts: it was read, maybe before anybody had said where it ends. Waits for nothing. */
  async #checkAll(read: Bookmark, { length, treeHash: ended }: CutOff): Promise<void> {
    const isHere = this.core.length >= length
    const known = read.treeHash ?? (isHere ? await treeHashAt(this.core, length, { wait: false }) : null)
    this.#checkRead({ ...read, position: length, treeHash: known }, ended)
  }

  #readOther(): KeyRotationError {
    this.#isReadOther = true
    return mismatch(`what was read of ${this.lineage.name} is of another history than what counts`)
  }

  /** Whether the core is known to be the one that was ended: `false` where that cannot be told without waiting. */
  async #isEnded(end: CutOff, options: ReadOptions): Promise<boolean> {
    if (this.#isRight) return true
    // A truncation meanwhile is seen before what was read counts.
    const isEnded = await this.#hasHistory(end, options)
    if (isEnded === false) throw mismatch(`the core of ${this.lineage.name} is not the one that was ended`)
    this.#isRight = isEnded === true
    return this.#isRight
  }

  /** `null` where it cannot be told without waiting. */
  async #hasHistory(
    { length, treeHash }: Pick<CutOff, 'length' | 'treeHash'>,
    options: ReadOptions
  ): Promise<boolean | null> {
    const found = await treeHashAt(this.core, length, options)
    return found && b4a.equals(found, treeHash)
  }

  /**
   * A block: of this core, or of an older one that has it, from which it is carried over.
   *
   * @returns `null` only with `wait: false`
   */
  async #block(index: number, options: ReadOptions): Promise<unknown> {
    const { core } = this
    const { links } = this.lineage
    const here = await core.get(index, { ...options, wait: false })
    if (here !== null) return here
    // Those that have it, newest first: of the oldest one, to which it was written, its thief may have made another history.
    const first = placeOf(links, index)
    const newest = Math.max(first + 1, links.length - MAX_BETWEEN - 1)
    const between = Array.from({ length: links.length - 1 - newest }, (_, i) => links.length - 2 - i)
    const places = first === links.length - 1 ? [] : [...between, first]
    for (const place of places) {
      if (!hasStored(await this.#olderAt(place), index)) continue
      const carried = await this.#carry(place, index, false)
      if (carried !== null) return carried
    }
    if (options.wait === false) return null
    return places.length === 0 ? core.get(index, options) : this.#fetch(index, places, options)
  }

  /** From peers: of this core, or of older ones. */
  async #fetch(index: number, places: readonly number[], options: ReadOptions): Promise<unknown> {
    const { core } = this
    const asked: { core: RolledCore; requests: unknown[] }[] = []
    let isDone = false
    let timer: unknown = null
    const get = (from: RolledCore): Promise<unknown> => {
      const requests: unknown[] = []
      asked.push({ core: from, requests })
      return from.get(index, { ...options, activeRequests: requests })
    }
    const fetchOlder = async (place: number): Promise<unknown> => {
      const older = await this.#olderAt(place)
      if (older.length <= index) await older.update({ wait: true })
      if (isDone) return null
      await get(older)
      return isDone ? null : this.#carry(place, index, true)
    }
    try {
      return await new Promise((resolve, reject) => {
        get(core).then(resolve, reject)
        const ask = (): void => {
          for (const place of places)
            // An older core may be of another history, and then no news: what counts may still come.
            fetchOlder(place).then(
              (block) => block !== null && resolve(block),
              () => {}
            )
        }
        if (peersHave(core, index)) timer = setTimeout(ask, PATIENCE_MS)
        else ask()
      })
    } finally {
      isDone = true
      clearTimeout(timer)
      for (const { core: from, requests } of asked) giveUp(from, requests)
    }
  }

  /** @returns the block, out of an older core that has it; `null` where that is of another history, or it cannot be told without waiting */
  async #carry(place: number, index: number, wait: boolean): Promise<unknown> {
    const { core } = this
    const { links } = this.lineage
    const older = await this.#olderAt(place)
    const end = sharedLength(links, place)
    let shared = Infinity
    for (let newer = links.length - 2; newer > place; newer--) {
      shared = Math.min(shared, links[newer + 1]?.previous?.length ?? 0)
      // Where it is no longer it has nothing to show.
      if (shared > end) await carryRoots(await this.#olderAt(newer), core, end, shared)
    }
    try {
      if (older.length < end) return null
      await carryRange(older, core, { start: index, until: index + 1, end, wait })
    } catch (error) {
      if (isMismatch(error)) return null
      throw error
    }
    return core.get(index, { wait: false })
  }

  async #olderAt(place: number): Promise<RolledCore> {
    if (this.#isClosed) throw closed('the follower has gone on')
    const { core: key } = this.lineage.links[place] as CoreLink
    const opened = this.#older.get(place) ?? openSession(this.lineage.store, { key })
    this.#older.set(place, opened)
    return opened
  }
}
