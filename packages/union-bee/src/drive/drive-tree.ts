import { UnionBeeError } from '../errors.ts'
import { compareText } from '../keys/compare-text.ts'
import type { Reading } from '../merge/generator-reader.ts'
import { partial } from '../partial.ts'
import type { Skipped } from '../types.ts'
import type { DriveLayer } from './drive-layer.ts'
import { type LayeredEntry, LayerMerge } from './merge-layers.ts'
import { above, below, nameIn } from './paths.ts'
import type { DriveAnswer, DriveEntry, PathRange } from './types.ts'

/** Entries of a directory that are read before it is cheaper to look for what comes after it. */
const SEEK_AFTER = 8

/** Whose an entry is, and what that drive calls it. */
interface Owned {
  layer: DriveLayer
  entry: DriveEntry
}

/** What the layers show together as one directory tree, and which of them each entry is of. */
export class DriveTree {
  readonly #layers: readonly DriveLayer[]
  readonly #newest: ((entry: DriveEntry) => number | bigint | null) | undefined
  readonly #owners = new WeakMap<DriveEntry, Owned>()

  /** @param layers - from the highest on */
  constructor(
    layers: readonly DriveLayer[],
    newest: ((entry: DriveEntry) => number | bigint | null) | undefined
  ) {
    this.#layers = layers
    this.#newest = newest
  }

  /** Whether the order of the layers does not decide between versions. */
  get prefersNewest(): boolean {
    return this.#newest !== undefined
  }

  /** @throws UnionBeeError `UNION_BEE_PARTIAL`, and as the layers' policies say */
  async entry(path: string): Promise<DriveEntry | null> {
    const { entry, skipped } = await this.lookup(path)
    if (skipped.length === 0) return entry
    const marked = partial(entry, skipped)
    this.#owners.set(marked, this.owner(entry as DriveEntry))
    return marked
  }

  /** @throws UnionBeeError as the layers' policies say */
  async lookup(path: string): Promise<DriveAnswer> {
    const skipped: Skipped[] = []
    const shown = this.#shown(await this.#versions(path, skipped))
    return { entry: shown?.entry ?? null, source: shown?.layer.name ?? null, skipped }
  }

  /** Whose the entry is. @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
  owner(entry: DriveEntry): Owned {
    const owned = this.#owners.get(entry)
    if (owned === undefined)
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the entry is of no drive of this union')
    return owned
  }

  /** Whether anything is visible below a path, as far as the layers that answer know. */
  async hasDirectory(path: string, skipped: Skipped[]): Promise<boolean> {
    for await (const _ of this.all(path, { skipped, own: (stream) => stream })) return true
    return false
  }

  /** Everything visible in a directory. */
  async *all(folder: string, reading: Reading): AsyncGenerator<DriveEntry> {
    yield* this.#entries(
      new LayerMerge(await this.#reaching(folder, reading.skipped), below(folder), reading)
    )
  }

  /** Everything visible between two paths. */
  async *between(range: PathRange, reading: Reading): AsyncGenerator<DriveEntry> {
    yield* this.#entries(new LayerMerge(this.#layers, range, reading), above(range))
  }

  /** The first visible entry of each name in a directory, of those that are not ignored. */
  async *firsts(
    folder: string,
    reading: Reading,
    ignores: (path: string) => boolean = () => false
  ): AsyncGenerator<DriveEntry> {
    const range = below(folder)
    const merge = new LayerMerge(await this.#reaching(folder, reading.skipped), range, reading)
    /** Of files that something may still be below of: a drive may have both. */
    let files: string[] = []
    let directory: string | null = null
    let count = 0
    try {
      await merge.begin()
      for (let found = await merge.next(); found !== null; found = await merge.next()) {
        const { entry }: LayeredEntry = this.#shown(found) as LayeredEntry
        if (ignores(entry.key)) continue
        const path: string = range.gt + nameIn(folder, entry.key)
        if (path === directory) {
          if (++count === SEEK_AFTER) await merge.seek(path)
          continue
        }
        files = files.filter((file) => compareText(entry.key, below(file).lt) < 0)
        const isFile: boolean = path === entry.key
        directory = isFile ? null : path
        count = 1
        if (!files.includes(path)) yield entry
        if (isFile) files.push(path)
      }
    } finally {
      merge.end()
    }
  }

  async *#entries(merge: LayerMerge, before: readonly string[] = []): AsyncGenerator<DriveEntry> {
    try {
      await merge.begin(before)
      for (let found = await merge.next(); found !== null; found = await merge.next())
        yield (this.#shown(found) as LayeredEntry).entry
    } finally {
      merge.end()
    }
  }

  /** All that are visible on a path, or the highest alone when no other can be shown. */
  async #versions(path: string, skipped: Skipped[]): Promise<LayeredEntry[]> {
    const found: LayeredEntry[] = []
    for (const layer of this.#layers) {
      try {
        const entry = await layer.entry(path, skipped)
        if (entry !== null) found.push({ entry, layer })
        if (entry !== null && this.#newest === undefined) break
        if (layer !== this.#layers.at(-1) && (await layer.hides(path, skipped))) break
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
        const isLast = await layer.blocksFolder(folder, skipped)
        reaching.push(layer)
        if (isLast) break
      } catch (failure) {
        layer.skip(failure, skipped)
      }
    }
    return reaching
  }

  /** The one that is shown of several versions. Remembers whose it is. */
  #shown(found: readonly LayeredEntry[]): LayeredEntry | null {
    let [best] = found
    if (best === undefined) return null
    const timeOf = this.#newest
    if (timeOf !== undefined) {
      const times = found.map(({ entry }) => timed(timeOf, entry))
      let latest = times[0] ?? null
      for (const [i, other] of found.entries()) {
        const time = times[i] ?? null
        if (i === 0 || time === null || (latest !== null && time <= latest)) continue
        best = other
        latest = time
      }
    }
    this.#owners.set(best.entry, best)
    return best
  }
}

/** @throws UnionBeeError `UNION_BEE_RESOLVER_FAILED` */
function timed(
  timeOf: (entry: DriveEntry) => number | bigint | null,
  entry: DriveEntry
): number | bigint | null {
  try {
    return timeOf(entry)
  } catch (cause) {
    throw new UnionBeeError('UNION_BEE_RESOLVER_FAILED', '`newest` threw', { cause })
  }
}
