import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import type { CoreLink } from '../state/state.ts'
import type { CutOff } from '../types.ts'
import { carryRange } from './carry-blocks.ts'
import type { Bookmark, FollowedBlock, ReadOptions } from './follower-types.ts'
import { giveUp, peersHave, readRoots } from './hypercore-adapter.ts'
import { hashOfRoots } from './tree-nodes.ts'
import { lineageEncryption } from './lineage-encryption.ts'
import { isLinked } from './roll.ts'
import type { RolledCore, StoreLike } from './types.ts'

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

export interface Session extends RolledCore {
  on(event: 'truncate', listener: (length: number) => void): unknown
}

/** A session of a name's newest core, and of older ones as far as they are needed. Owns them. */
export class FollowedCore {
  readonly core: RolledCore
  readonly link: CoreLink
  readonly end: CutOff | null
  readonly #lineage: Lineage
  readonly #older = new Map<CoreLink, RolledCore>()

  private constructor(core: RolledCore, link: CoreLink, lineage: Lineage) {
    this.core = core
    this.link = link
    this.end = lineage.end
    this.#lineage = lineage
  }

  static async open(lineage: Lineage): Promise<FollowedCore> {
    const { store, links, encryptionKey, ontruncate } = lineage
    const link = links.at(-1) as CoreLink
    const encryption = encryptionKey && lineageEncryption(links, encryptionKey)
    const core = await openSession(store, { key: link.core, encryption })
    core.on('truncate', ontruncate)
    return new FollowedCore(core, link, lineage)
  }

  /**
   * The block after what was read.
   *
   * @returns `null` when no more is known of, or it cannot be told without waiting
   */
  async read({ position, treeHash }: Bookmark, options: ReadOptions): Promise<FollowedBlock | null> {
    const { core, link, end } = this
    const { name } = this.#lineage
    if (end !== null && end.length <= position) return null
    const needed = end?.length ?? position + 1
    if (core.length < needed && options.wait !== false) await core.update({ wait: true })
    // What lies below an end counts by the tree hash there, which a shorter copy does not have: its writer may have truncated it, and written others.
    if (core.length < needed) return null
    if (isLinked(core, link) !== true)
      throw mismatch(`the core of ${name} does not go on from the one before`)
    if (end !== null) {
      const isEnded = await this.#hasHistory(end, options)
      if (isEnded === null) return null
      if (!isEnded) throw mismatch(`the core of ${name} is not the one that was ended`)
    }
    const block = await this.#block(position, options)
    if (block === null) return null
    if (treeHash !== null) {
      // What was read may have been a thief's second history of the old core. The proof of this block has what tells.
      const isSame = await this.#hasHistory({ length: position, treeHash }, options)
      if (isSame === null) return null
      if (!isSame) throw mismatch(`what was read of ${name} is of another history than what goes on`)
    }
    return { index: position, block, core: link.core }
  }

  async close(): Promise<void> {
    const sessions = [this.core, ...this.#older.values()]
    this.#older.clear()
    await Promise.all(sessions.map((session) => session.close()))
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
   * A block. One that was written to an older core, and that no peer has of this one, is read from there and carried over.
   *
   * @returns `null` only with `wait: false`
   */
  async #block(index: number, options: ReadOptions): Promise<unknown> {
    const { core } = this
    const here = await core.get(index, { ...options, wait: false })
    if (here !== null || options.wait === false) return here
    const place = this.#placeOf(index)
    if (place === this.#lineage.links.length - 1 || peersHave(core, index)) return core.get(index, options)
    const requests: unknown[] = []
    const direct = core.get(index, { ...options, activeRequests: requests })
    const carried = this.#carry(place, index, options).then(() => core.get(index, { wait: false }))
    try {
      return await new Promise((resolve, reject) => {
        direct.then(resolve, reject)
        // The older core may be of another history, and then no news: what counts may still come.
        carried.then(
          (block) => block !== null && resolve(block),
          () => {}
        )
      })
    } finally {
      giveUp(core, requests)
    }
  }

  /** Of the core that a block was written to: the newest that begins before it. */
  #placeOf(index: number): number {
    const { links } = this.#lineage
    let place = links.length - 1
    while (place > 0 && index < (links[place]?.previous?.length ?? 0)) place--
    return place
  }

  async #carry(place: number, index: number, options: ReadOptions): Promise<void> {
    const { links, store } = this.#lineage
    const link = links[place] as CoreLink
    const older = this.#older.get(link) ?? (await openSession(store, { key: link.core }))
    this.#older.set(link, older)
    if (older.length <= index) await older.update({ wait: true })
    await older.get(index, options)
    const end = Math.min(...links.slice(place + 1).map(({ previous }) => previous?.length ?? 0))
    await carryRange(older, this.core, { start: index, until: index + 1, end, wait: true })
  }
}

/** Of a core's tree; `null` where it is not here, and not waited for. */
export async function treeHashAt(
  core: RolledCore,
  length: number,
  { wait = true }: ReadOptions
): Promise<Uint8Array | null> {
  const roots = await readRoots(core, length)
  if (roots !== null) return hashOfRoots(roots)
  return wait ? core.treeHash(length) : null
}

/** Of what was read, as far as it is on this machine. */
export async function treeHashOf(
  store: StoreLike,
  { core: key, position }: Bookmark
): Promise<Uint8Array | null> {
  if (key === null || position === 0) return null
  const core = await openSession(store, { key })
  try {
    return core.length < position ? null : await treeHashAt(core, position, { wait: false })
  } finally {
    await core.close()
  }
}

export async function openSession(
  store: StoreLike,
  options: { key: Uint8Array; encryption?: object | null }
): Promise<Session> {
  const session = store.get(options as never) as Session
  await session.ready()
  return session
}

export function mismatch(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message)
}
