import { UnionBeeError } from '../errors.ts'
import type { Skipped } from '../types.ts'
import type { DriveLayer } from './drive-layer.ts'
import type { DriveTree } from './drive-tree.ts'
import { ancestors, below } from './paths.ts'
import type { WritableDriveLike } from './types.ts'
import { type Hides, whiteout, WHITEOUTS } from './whiteouts.ts'

/**
 * Writes to the top of a union so that nothing changes but the path that is written: what was hidden stays so when what has hidden it is
 * gone. In this order, that a crash loses nothing: first whiteouts, then what is put, then what is deleted.
 */
export class DriveWriter {
  readonly #top: WritableDriveLike
  readonly #layer: DriveLayer
  readonly #lower: DriveTree
  /** One at a time: each rests on what it has seen. */
  #turn: Promise<unknown> = Promise.resolve()

  /** @param lower - what the drives below the top show */
  constructor(top: WritableDriveLike, layer: DriveLayer, lower: DriveTree) {
    this.#top = top
    this.#layer = layer
    this.#lower = lower
  }

  /** Puts a file in the place of what is on its path, of files above it and of all below it. */
  put(path: string, write: () => Promise<unknown>): Promise<void> {
    return this.#inTurn(async () => {
      const above = await this.#filesAbove(path)
      for (const file of above) await this.#keepHidden(file)
      await this.#write(write())
      for (const file of above) await this.#write(this.#top.del(file))
      for (const file of await this.#filesBelow(path)) await this.#write(this.#top.del(file))
    })
  }

  /** Takes away a file that is shown, and nothing else. */
  del(path: string): Promise<void> {
    return this.#inTurn(async () => {
      if ((await this.#layer.entry(path)) === null) return this.#hide(path, 'file')
      await this.#keepHidden(path)
      await this.#keepFilesHidden(path)
      await this.#write(this.#top.del(path))
    })
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  /** What a file of the top hides stays hidden without it. */
  async #keepHidden(path: string): Promise<void> {
    if ((await this.#layer.whiteout(path)) === 'tree' || (await this.#layer.blocksAbove(path))) return
    if (await this.#mayHave((skipped) => this.#lower.hasDirectory(path, skipped)))
      await this.#hide(path, 'tree')
    else if (await this.#mayHave(() => this.#lower.entry(path))) await this.#hide(path, 'file')
  }

  /** A directory that ends with its last file hides files of its name no longer. */
  async #keepFilesHidden(path: string): Promise<void> {
    for (const folder of ancestors(path).toReversed()) {
      for await (const { key } of this.#layer.files(below(folder), { limit: 2 })) if (key !== path) return
      const isHidden = (await this.#layer.blocks(folder)) || (await this.#layer.entry(folder)) !== null
      if (!isHidden && (await this.#mayHave(() => this.#lower.entry(folder))))
        await this.#hide(folder, 'file')
    }
  }

  /** Drives that do not answer may have anything. */
  async #mayHave(look: (skipped: Skipped[]) => Promise<unknown>): Promise<boolean> {
    const skipped: Skipped[] = []
    try {
      const found = await look(skipped)
      return (found !== null && found !== false) || skipped.length > 0
    } catch {
      return true
    }
  }

  async #hide(path: string, hides: Hides): Promise<void> {
    if ((await this.#layer.whiteout(path)) === hides) return
    await this.#write(this.#top.db.put(path, whiteout(hides), WHITEOUTS as object))
  }

  async #filesAbove(path: string): Promise<string[]> {
    const found = await Promise.all(ancestors(path).map((folder) => this.#layer.entry(folder)))
    return found.flatMap((entry) => (entry === null ? [] : [entry.key]))
  }

  async #filesBelow(path: string): Promise<string[]> {
    const files: string[] = []
    for await (const { key } of this.#layer.files(below(path))) files.push(key)
    return files
  }

  async #write(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (cause) {
      throw new UnionBeeError('UNION_BEE_SOURCE_FAILED', 'the top could not be written', { cause })
    }
  }
}
