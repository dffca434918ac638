import b4a from 'b4a'
import { badArgument, checkCount, checkKey, checkOptions, checkState } from '../arguments.ts'
import type { KeyRotationError } from '../errors.ts'
import { resolve, type Resolved } from '../resolve.ts'
import { isSameEnd } from '../state/ends.ts'
import { type CoreLink, hex, type IdentityState } from '../state/state.ts'
import { carryLineage } from './carry-lineage.ts'
import { closed, mismatch } from './faults.ts'
import { FollowedCore } from './followed-core.ts'
import type {
  Bookmark,
  CoreFollowerOptions,
  FollowedBlock,
  ReadOptions,
  RetractedBlocks
} from './follower-types.ts'
import { isSameLineage, sharedLength } from './lineage.ts'
import { partedFrom } from './parted.ts'
import { treeHashOf } from './sessions.ts'
import type { StoreLike } from './types.ts'

/**
 * Reads a name's blocks in order, across roll-overs: none twice, none left out. Owns its sessions of the cores; replicating them is up to the
 * caller's Corestore. To go on after a restart, keep `await follower.bookmark()`.
 */
export class CoreFollower {
  readonly #store: StoreLike
  readonly #name: string
  readonly #encryptionKey: Uint8Array | null
  /** With a tree hash from when another core is to be read, till it is known that both have the same history. */
  #read: Bookmark
  #current: FollowedCore | null = null
  /** Why nothing can be read since the last `update`. */
  #failure: unknown = null
  /** Of the blocks that were read only so many can still count: the others were truncated, or are of another history. */
  #truncated = Infinity
  /** What was asked for before the last change is asked for again. */
  #generation = 0
  /** Nobody has said yet where the core of a revoked device ends. */
  #isHeld = false
  #updated: Promise<unknown> = Promise.resolve()
  #closed = false

  /** @throws KEY_ROTATION_BAD_ARGUMENT */
  constructor(store: StoreLike, name: string, options: CoreFollowerOptions = {}) {
    checkOptions(options, ['encryptionKey', 'position', 'core', 'treeHash'])
    const { encryptionKey = null, position = 0, core = null, treeHash = null } = options
    checkCount(position, '`position`')
    if (position > 0 && core === null) throw badArgument('a position is one of a core: pass `core`, too')
    if (core !== null) checkKey(core, '`core`')
    if (treeHash !== null) checkKey(treeHash, '`treeHash`')
    if (encryptionKey !== null) checkKey(encryptionKey, 'an encryption key')
    this.#store = store
    this.#name = name
    this.#encryptionKey = encryptionKey
    this.#read = { position, core, treeHash }
  }

  /** Of the next block. */
  get position(): number {
    return this.#read.position
  }

  /** Key of the core that was read last; `null` before the first block. */
  get core(): Uint8Array | null {
    return this.#read.core
  }

  /**
   * How far this is, for a follower after a restart: to be kept together with what was made of the blocks.
   *
   * @throws KEY_ROTATION_CORE_MISMATCH when what was read was truncated, or is of another history: call `update` first
   */
  async bookmark(): Promise<Bookmark> {
    const read = this.#read
    const treeHash = read.treeHash ?? (await treeHashOf(this.#store, read))
    if (this.#truncated < read.position) throw this.#truncation()
    return { ...read, treeHash }
  }

  /**
   * Goes over to the core that a verified state names, which may be several roll-overs on. A call of `next` that waits goes on there.
   *
   * @returns what was read before, and does not count any more; `null` for nothing
   * @throws KEY_ROTATION_CORE_MISMATCH for a name that has no core, or never had the one that was read; as `next` throws then, till another `update`.
   *   KEY_ROTATION_BAD_ARGUMENT, KEY_ROTATION_UNSUPPORTED_UPSTREAM
   */
  async update(state: IdentityState): Promise<RetractedBlocks | null> {
    this.#checkOpen()
    checkState(state)
    const updated = this.#updated.then(() => this.#update(state))
    this.#updated = updated.catch(() => {})
    return updated
  }

  /**
   * The next block. One call at a time.
   *
   * @param options - with `wait: false` only what is here; `timeout` in ms, as Hypercore's `get` takes it
   * @returns `null` when no more is known of, or the device that writes it was revoked and nobody has said where the core ends, or with `wait: false` none
   *   is here: ask again after an `append` event of the core, or later
   * @throws KEY_ROTATION_CORE_MISMATCH when the core is not the one that the identity meant, or does not have what was read: after its writer has
   *   truncated it, `update` says what is retracted; so it does, of all, where what was read is of another history than what counts
   */
  async next(options: ReadOptions = {}): Promise<FollowedBlock | null> {
    checkOptions(options, ['wait', 'timeout'])
    for (;;) {
      await this.#updated
      this.#checkOpen()
      if (this.#current === null)
        throw this.#failure ?? badArgument('call `update` with a verified state first')
      if (this.#truncated < this.position) throw this.#truncation()
      if (this.#isHeld) return null
      const generation = this.#generation
      try {
        const found = await this.#current.read(this.#read, options)
        if (generation !== this.#generation) continue
        if (found !== null) this.#read = { position: found.index + 1, core: found.core, treeHash: null }
        return found
      } catch (error) {
        if (generation !== this.#generation) continue
        if (this.#current.isReadOther) this.#truncated = 0
        throw error
      }
    }
  }

  /**
   * Copies what is here of the name's older cores into the one that is read, as far as that needs no peers.
   *
   * @returns how many blocks were new
   */
  async carry(): Promise<number> {
    this.#checkOpen()
    await this.#updated
    const { core, lineage } = this.#current ?? {}
    return core === undefined || lineage === undefined ? 0 : carryLineage(this.#store, lineage.links, core)
  }

  /** Closes the sessions of the cores; a call of `next` that waits throws. The Corestore stays open. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#updated
    this.#generation++
    await this.#current?.close()
    this.#current = null
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #update(state: IdentityState): Promise<RetractedBlocks | null> {
    try {
      return await this.#goOver(state)
    } catch (error) {
      // What was read till then counts no more, as far as this knows.
      this.#generation++
      this.#failure = error
      const before = this.#current
      this.#current = null
      await before?.close()
      throw error
    }
  }

  async #goOver(state: IdentityState): Promise<RetractedBlocks | null> {
    const resolved = resolve(state, this.#name)
    if (resolved === null) throw mismatch(`${this.#name} has no core`)
    const { lineage, end, isHeld } = resolved
    if (this.#isCurrent(resolved) && isHeld === this.#isHeld) return null
    this.#generation++
    this.#isHeld = isHeld
    const { position, core, treeHash } = this.#read
    const parted =
      (await partedFrom(this.#store, lineage, this.#read, this.#current?.lineage.links)) ??
      this.#partedAtAll(state)
    if (parted === null) throw mismatch(`${this.#name} never was the core that was read`)
    const shared = Math.min(parted.length, sharedLength(lineage, parted.place))
    const length = Math.min(shared, this.#truncated, end?.length ?? Infinity)
    const read = { position: length, core, treeHash: length === position ? treeHash : null }
    const known = { ...read, treeHash: read.treeHash ?? (await treeHashOf(this.#store, read)) }
    const isOfName = core !== null && b4a.equals(core, (lineage[parted.place] as CoreLink).core)
    if ((!isOfName || length < position) && length > 0 && known.treeHash === null) {
      // Of a core that is the name's no more, or ends before, it must be known that it began as those that are.
      this.#truncated = 0
      return this.#goOver(state)
    }
    const next = await FollowedCore.open({
      store: this.#store,
      links: lineage,
      end,
      name: this.#name,
      encryptionKey: this.#encryptionKey,
      ontruncate: (to) => this.#ontruncate(to)
    })
    if (this.#truncated < length) {
      await next.close()
      return this.#goOver(state)
    }
    await this.#current?.close()
    this.#current = next
    this.#read = known
    this.#truncated = Infinity
    this.#generation++
    if (length === position) return null
    return { core: core ?? next.link.core, start: length, end: position }
  }

  /** A core that the name had, and of which nothing here says where it went on: all is read again. */
  #partedAtAll({ places }: IdentityState): { place: number; length: number } | null {
    const { core } = this.#read
    return core !== null && places.get(hex(core))?.name === this.#name ? { place: 0, length: 0 } : null
  }

  #isCurrent({ lineage, end }: Resolved): boolean {
    const known = this.#current?.lineage
    if (known === undefined || this.#truncated < this.position) return false
    if (!isSameLineage(known.links, lineage)) return false
    return isSameEnd(end, known.end)
  }

  #ontruncate(length: number): void {
    this.#generation++
    const { core } = this.#read
    if (core !== null && this.#current && b4a.equals(core, this.#current.link.core))
      this.#truncated = Math.min(this.#truncated, length)
  }

  #truncation(): KeyRotationError {
    return mismatch(`what was read of ${this.#name} does not all count any more: \`update\` says what`)
  }

  #checkOpen(): void {
    if (this.#closed) throw closed(`the follower of ${this.#name} is closed`)
  }
}
