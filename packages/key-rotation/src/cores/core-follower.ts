import b4a from 'b4a'
import { badArgument, checkCount } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { resolve } from '../resolve.ts'
import { type CoreLink, type IdentityState } from '../state/state.ts'
import type { CutOff } from '../types.ts'
import { carryBlocks, haveSameHistory } from './carry-blocks.ts'
import { lineageEncryption } from './lineage-encryption.ts'
import { isLinked } from './roll.ts'
import type { RolledCore, StoreLike } from './types.ts'

export interface CoreFollowerOptions {
  /** 32 bytes, of an encrypted core. */
  encryptionKey?: Uint8Array | null
  /**
   * Where to read on, in blocks.
   *
   * @defaultValue 0
   */
  position?: number
  /** Key of the core that was read up to `position`; needed where that is not 0. */
  core?: Uint8Array | null
}

/** A block, in its place in the whole history. */
export interface FollowedBlock {
  readonly index: number
  readonly block: unknown
  /** Key of the core that it was read from. */
  readonly core: Uint8Array
}

/** Blocks that were read and do not count: the name goes on from before them. They stay in the core where they are. */
export interface RetractedBlocks {
  readonly core: Uint8Array
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/**
 * Reads a name's blocks in order, across roll-overs: none twice, none left out. Owns its sessions of the cores; replicating them is up to the
 * caller's Corestore. To go on after a restart, keep `position` and `core`.
 */
export class CoreFollower {
  readonly #store: StoreLike
  readonly #name: string
  readonly #encryptionKey: Uint8Array | null
  #position: number
  #read: Uint8Array | null
  #current: { core: RolledCore; link: CoreLink; end: CutOff | null } | null = null
  /** The core that was read before this one, till it is known that both have the same history. */
  #before: Uint8Array | null = null
  #closed = false

  /** @throws KEY_ROTATION_BAD_ARGUMENT */
  constructor(
    store: StoreLike,
    name: string,
    { encryptionKey = null, position = 0, core = null }: CoreFollowerOptions = {}
  ) {
    checkCount(position, '`position`')
    if (position > 0 && core === null) throw badArgument('a position is one of a core: pass `core`, too')
    this.#store = store
    this.#name = name
    this.#encryptionKey = encryptionKey
    this.#position = position
    this.#read = core
  }

  /** Of the next block. */
  get position(): number {
    return this.#position
  }

  /** Key of the core that is read; `null` before the first `update`. */
  get core(): Uint8Array | null {
    return this.#read
  }

  /**
   * Goes over to the core that a verified state names, which may be several roll-overs on.
   *
   * @returns what was read before, and does not count any more; `null` for nothing
   * @throws KEY_ROTATION_CORE_MISMATCH for a name that has no core, or no longer the one that was read
   */
  async update(state: IdentityState): Promise<RetractedBlocks | null> {
    this.#checkOpen()
    const resolved = resolve(state, this.#name)
    if (resolved === null) throw mismatch(`${this.#name} has no core`)
    const { lineage, core: key, end } = resolved
    if (this.#current !== null && b4a.equals(this.#current.link.core, key)) {
      this.#current = { ...this.#current, end }
      return this.#retract(key, end === null ? Infinity : end.length)
    }
    const from = this.#read
    const place = from === null ? 0 : lineage.findIndex(({ core }) => b4a.equals(core, from))
    if (place === -1) throw mismatch(`${this.#name} never was the core that was read`)
    // Every end on the way counts: the next core may have been ended before the one that it went on from.
    const ends = lineage.slice(place + 1).map(({ previous }) => previous?.length ?? 0)
    const retracted = this.#retract(from ?? key, Math.min(Infinity, ...ends, end?.length ?? Infinity))
    if (from !== null && !b4a.equals(from, key)) this.#before = from
    await this.#open(lineage, end)
    return retracted
  }

  /**
   * The next block. One call at a time.
   *
   * @param options - of Hypercore's `get`: with `wait: false` only what is here
   * @returns `null` when no more is known of, or with `wait: false` none is here: ask again after an `append` event of the core, or later
   * @throws KEY_ROTATION_CORE_MISMATCH when the core is not the one that the identity meant
   */
  async next(options: { wait?: boolean; timeout?: number } = {}): Promise<FollowedBlock | null> {
    this.#checkOpen()
    if (this.#current === null) throw badArgument('call `update` with a verified state first')
    const { core, link, end } = this.#current
    if (core.length <= this.#position && options.wait !== false) await core.update({ wait: true })
    const length = Math.min(core.length, end?.length ?? Infinity)
    if (length <= this.#position) return null
    if (isLinked(core, link) !== true)
      throw mismatch(`the core of ${this.#name} does not go on from the one before`)
    if (
      end !== null &&
      core.length >= end.length &&
      !b4a.equals(await core.treeHash(end.length), end.treeHash)
    )
      throw mismatch(`the core of ${this.#name} is not the one that was ended`)
    const index = this.#position
    const block = await core.get(index, options)
    if (block === null) return null
    if (this.#before !== null) await this.#checkHistory(core, this.#before)
    this.#position = index + 1
    return { index, block, core: link.core }
  }

  /**
   * Copies what is here of the name's older cores into the present one, as far as that needs no peers.
   *
   * @returns how many blocks were new
   */
  async carry(state: IdentityState): Promise<number> {
    this.#checkOpen()
    const lineage = resolve(state, this.#name)?.lineage ?? []
    if (this.#current === null || this.#current.core.manifest === null) return 0
    const ends = lineage.map(({ previous }) => previous?.length ?? 0)
    let count = 0
    for (const [i, { core }] of lineage.slice(0, -1).entries()) {
      const old = this.#store.get({ key: core } as never) as RolledCore
      await old.ready()
      try {
        const end = Math.min(...ends.slice(i + 1))
        if (old.length >= end) count += await carryBlocks(old, this.#current.core, { end, wait: false })
      } finally {
        await old.close()
      }
    }
    return count
  }

  /** Closes the session of the core. The Corestore stays open. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#current?.core.close()
    this.#current = null
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #open(lineage: readonly CoreLink[], end: CutOff | null): Promise<void> {
    const link = lineage.at(-1) as CoreLink
    const encryption = this.#encryptionKey && lineageEncryption(lineage, this.#encryptionKey)
    const core = this.#store.get({ key: link.core, encryption } as never) as RolledCore
    await core.ready()
    await this.#current?.core.close()
    this.#current = { core, link, end }
    this.#read = link.core
  }

  /** What was read may have been a thief's second history of the old core. The proof of the next block has what tells. */
  async #checkHistory(core: RolledCore, before: Uint8Array): Promise<void> {
    const old = this.#store.get({ key: before } as never) as RolledCore
    await old.ready()
    try {
      const isHere = old.length >= this.#position && this.#position > 0
      if (isHere && (await haveSameHistory(old, core, this.#position)) === false)
        throw mismatch(`what was read of ${this.#name} is of another history than what goes on`)
      this.#before = null
    } finally {
      await old.close()
    }
  }

  #retract(core: Uint8Array, end: number): RetractedBlocks | null {
    if (this.#position <= end) return null
    const retracted = { core, start: end, end: this.#position }
    this.#position = end
    return retracted
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new KeyRotationError('KEY_ROTATION_CLOSED', `the follower of ${this.#name} is closed`)
  }
}

function mismatch(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CORE_MISMATCH', message)
}
