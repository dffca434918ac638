import { UnionBeeError } from '../errors.ts'
import type { Reading } from '../merge/generator-reader.ts'
import { partial } from '../partial.ts'
import type { Skipped } from '../types.ts'
import type { DriveLayer } from './drive-layer.ts'
import { type LayeredEntry, mergeLayers } from './merge-layers.ts'
import { below, nameIn } from './paths.ts'
import type { DriveEntry, PathRange } from './types.ts'

/** What the layers show together as one directory tree, and which of them each entry is of. */
export class DriveTree {
  readonly #layers: readonly DriveLayer[]
  readonly #newest: ((entry: DriveEntry) => number | bigint | null) | undefined
  readonly #owners = new WeakMap<DriveEntry, DriveLayer>()

  /** @param layers - from the highest on */
  constructor(
    layers: readonly DriveLayer[],
    newest: ((entry: DriveEntry) => number | bigint | null) | undefined
  ) {
    this.#layers = layers
    this.#newest = newest
  }

  /** @throws UnionBeeError `UNION_BEE_PARTIAL`, and as the layers' policies say */
  async entry(path: string): Promise<DriveEntry | null> {
    const skipped: Skipped[] = []
    const shown = this.#shown(await this.#versions(path, skipped))
    if (skipped.length === 0) return shown
    const marked = partial(shown, skipped)
    this.#owners.set(marked, this.owner(shown as DriveEntry))
    return marked
  }

  /** Whose the entry is. @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
  owner(entry: DriveEntry): DriveLayer {
    const layer = this.#owners.get(entry)
    if (layer === undefined)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the entry is of no drive of this union')
    return layer
  }

  /** Whether anything is visible below a path, as far as the layers that answer know. */
  async hasDirectory(path: string, skipped: Skipped[]): Promise<boolean> {
    const owned: { destroy?(): unknown }[] = []
    const own = <T extends object>(stream: T): T => {
      owned.push(stream)
      return stream
    }
    try {
      for await (const _ of this.all(path, { skipped, own })) return true
      return false
    } finally {
      for (const stream of owned) stream.destroy?.()
    }
  }

  /** Everything visible in a directory. */
  async *all(folder: string, reading: Reading): AsyncGenerator<DriveEntry> {
    const layers = await this.#reaching(folder, reading.skipped)
    for await (const found of mergeLayers(layers, below(folder), reading)) {
      const shown = this.#shown(found)
      if (shown !== null) yield shown
    }
  }

  /** The first visible entry of each name in a directory. */
  async *firsts(folder: string, reading: Reading): AsyncGenerator<DriveEntry> {
    const layers = await this.#reaching(folder, reading.skipped)
    const { gt, lt } = below(folder)
    let after: PathRange = { gt }
    for (;;) {
      let first: DriveEntry | null = null
      for await (const found of mergeLayers(layers, { ...after, lt }, reading)) {
        // Having begun in the middle, the walk has not seen what hides from before: asked for exactly.
        first = this.#shown(await this.#versions((found[0] as LayeredEntry).entry.key, []))
        if (first !== null) break
      }
      if (first === null) return
      yield first
      const name = nameIn(folder, first.key)
      const isFile = first.key.length === gt.length + name.length
      // Hyperdrive goes on after `name0`, and so leaves a file of that name out.
      after = isFile ? { gt: first.key } : { gte: `${gt}${name}0` }
    }
  }

  /** All that are visible on a path, or the highest alone when no other can be shown. */
  async #versions(path: string, skipped: Skipped[]): Promise<LayeredEntry[]> {
    const found: LayeredEntry[] = []
    for (const layer of this.#layers) {
      try {
        const entry = await layer.entry(path)
        if (entry !== null) found.push({ entry, layer })
        if (entry !== null && this.#newest === undefined) break
        if (layer !== this.#layers.at(-1) && (await layer.hides(path))) break
      } catch (failure) {
        layer.skip(failure, skipped)
      }
    }
    return found
  }

  /** Those that the ones above do not hide the directory of. */
  async #reaching(folder: string, skipped: Skipped[]): Promise<readonly DriveLayer[]> {
    const reaching: DriveLayer[] = []
    for (const layer of this.#layers) {
      try {
        const isLast = await layer.blocksFolder(folder)
        reaching.push(layer)
        if (isLast) break
      } catch (failure) {
        layer.skip(failure, skipped)
      }
    }
    return reaching
  }

  /** The one that is shown of several versions. Remembers whose it is. */
  #shown(found: readonly LayeredEntry[]): DriveEntry | null {
    let [best] = found
    if (best === undefined) return null
    const timeOf = this.#newest
    if (timeOf !== undefined) {
      let latest = timeOf(best.entry)
      for (const other of found.slice(1)) {
        const time = timeOf(other.entry)
        if (time === null || (latest !== null && time <= latest)) continue
        best = other
        latest = time
      }
    }
    this.#owners.set(best.entry, best.layer)
    return best.entry
  }
}
