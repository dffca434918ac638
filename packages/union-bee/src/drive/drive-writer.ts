import { UnionBeeError } from '../errors.ts'
import type { Skipped } from '../types.ts'
import type { DriveLayer } from './drive-layer.ts'
import type { DriveTree } from './drive-tree.ts'
import { ancestors, below } from './paths.ts'
import type { WritableDriveLike } from './types.ts'
import { type Hides, whiteout, WHITEOUTS } from './whiteouts.ts'

/**
 * Writes to the top of a union so that nothing changes but the path that is written: what was hidden stays so when what has hidden it is
 * gone. In this order, that a crash loses nothing: first whiteouts, then what is put, then what is deleted. FORMAT.md.
 */
export class DriveWriter {
  readonly #top: WritableDriveLike
  readonly #layer: DriveLayer
  readonly #tree: DriveTree
  readonly #lower: DriveTree
  /** One at a time: each rests on what it has seen. */
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  /**
   * @param tree - what all show together
   * @param lower - what the drives below the top show
   */
  constructor(top: WritableDriveLike, layer: DriveLayer, tree: DriveTree, lower: DriveTree) {
    this.#top = top
    this.#layer = layer
    this.#tree = tree
    this.#lower = lower
  }

  /** Puts a file in the place of what is on its path, of files above it and of all below it. */
  put(path: string, write: () => Promise<unknown>): Promise<void> {
    return this.#inTurn(async () => {
      const above = await this.#filesAbove(path)
      for (const file of above) await this.#keepHidden(file)
      await this.#write(write)
      for (const file of above) await this.#write(() => this.#top.del(file))
      for (const file of await this.#filesBelow(path)) await this.#write(() => this.#top.del(file))
      await this.#showOwn(path)
    })
  }

  /** Takes away a file that is shown, and nothing else. */
  del(path: string): Promise<void> {
    return this.#inTurn(async () => {
      if ((await this.#tree.entry(path)) === null) return
      if ((await this.#own(path)) === null) return this.#hide(path, 'file')
      await this.#keepHidden(path)
      await this.#keepFilesHidden(path)
      await this.#write(() => this.#top.del(path))
    })
  }

  /** Waits for the write under way; those that wait for their turn are refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#turn
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(() => {
      if (this.#closed) throw new UnionBeeError('UNION_BEE_CLOSED', 'the union is closed')
      return work()
    })
    this.#turn = done.catch(() => {})
    return done
  }

  /** What a file of the top hides stays hidden without it. */
  async #keepHidden(path: string): Promise<void> {
    const [hidden, isBlocked] = await Promise.all([
      this.#layer.whiteout(path),
      this.#layer.blocksAbove(path, [])
    ])
    if (hidden === 'tree' || isBlocked) return
    if (await this.#mayHave((skipped) => this.#lower.hasDirectory(path, skipped)))
      await this.#hide(path, 'tree')
    else if (await this.#mayHave(() => this.#lower.entry(path))) await this.#hide(path, 'file')
  }

  /** A directory that ends with its last file hides files of its name no longer. */
  async #keepFilesHidden(path: string): Promise<void> {
    for (const folder of ancestors(path).toReversed()) {
      for await (const { key } of this.#layer.files(below(folder), { limit: 2 })) if (key !== path) return
      const isHidden = (await this.#layer.blocks(folder, [])) || (await this.#own(folder)) !== null
      if (!isHidden && (await this.#mayHave(() => this.#lower.entry(folder))))
        await this.#hide(folder, 'file')
    }
  }

  /** What was put is shown, also where another version is newer. */
  async #showOwn(path: string): Promise<void> {
    if (!this.#tree.prefersNewest) return
    const { source, skipped } = await this.#tree.lookup(path).catch(() => ({ source: null, skipped: [] }))
    // A drive that does not answer may have a newer one.
    if (source !== this.#layer.name || skipped.length > 0) await this.#hide(path, 'file')
  }

  /** Drives that do not answer may have anything. */
  async #mayHave(look: (skipped: Skipped[]) => Promise<unknown>): Promise<boolean> {
    const skipped: Skipped[] = []
    try {
      const found = await look(skipped)
      return (found !== null && found !== false) || skipped.length > 0
    } catch (error) {
      if (this.#layer.stopped !== null) throw error
      return true
    }
  }

  async #hide(path: string, hides: Hides): Promise<void> {
    const hidden = await this.#layer.whiteout(path)
    if (hidden === hides || hidden === 'tree') return
    await this.#write(() => this.#top.db.put(path, whiteout(hides), WHITEOUTS as object))
  }

  #own(path: string): Promise<unknown> {
    return this.#layer.entry(path, [])
  }

  async #filesAbove(path: string): Promise<string[]> {
    const all = ancestors(path)
    const found = await Promise.all(all.map((folder) => this.#own(folder)))
    return all.filter((_, i) => found[i] !== null)
  }

  async #filesBelow(path: string): Promise<string[]> {
    const files: string[] = []
    for await (const { key } of this.#layer.files(below(path))) files.push(key)
    return files
  }

  async #write(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (cause instanceof UnionBeeError) throw cause
      throw new UnionBeeError('UNION_BEE_SOURCE_FAILED', 'the top could not be written', { cause })
    }
  }
}
