import { compareText } from '../keys/compare-text.ts'
import type { Reading } from '../merge/generator-reader.ts'
import type { DriveLayer, Whiteout } from './drive-layer.ts'
import type { Skipped } from '../types.ts'
import type { DriveEntry, PathRange } from './types.ts'

/** An entry that several layers may have, from the highest on; the highest is what is shown unless somebody prefers another. */
export interface LayeredEntry {
  entry: DriveEntry
  layer: DriveLayer
}

/** A path that hides what the layers below have: a file all that is below it, a whiteout what is on it or that, too. */
interface Hiding {
  path: string
  hidesFile: boolean
  hidesBelow: boolean
}

/**
 * All files of a range that are visible, with every visible version of each, in byte order of paths. A path hides those that begin with it
 * and a slash; these are no later than the path with a `0` in place of the slash, so what may still hide something is a short stack.
 *
 * @param layers - from the highest on; what hides the whole range is left out already
 */
export async function* mergeLayers(
  layers: readonly DriveLayer[],
  range: PathRange,
  reading: Reading
): AsyncGenerator<LayeredEntry[]> {
  const scans = layers.map((layer) => new LayerScan(layer, range, reading))
  try {
    await Promise.all(scans.map((scan) => scan.begin()))
    for (;;) {
      const path = lowest(scans)
      if (path === null) return
      const visible = await visibleAt(scans, path)
      if (visible.length > 0) yield visible
      await Promise.all(scans.map((scan) => scan.pass(path)))
    }
  } finally {
    await Promise.all(scans.map((scan) => scan.end()))
  }
}

async function visibleAt(scans: readonly LayerScan[], path: string): Promise<LayeredEntry[]> {
  const visible: LayeredEntry[] = []
  const last = scans.findLastIndex(({ head }) => head?.key === path)
  for (const [i, scan] of scans.entries()) {
    if (scan.head?.key === path) visible.push({ entry: scan.head, layer: scan.layer })
    if (i === last || (await scan.hides(path))) return visible
  }
  return visible
}

function lowest(scans: readonly LayerScan[]): string | null {
  let least: string | null = null
  for (const { head } of scans)
    if (head !== null && (least === null || compareText(head.key, least) < 0)) least = head.key
  return least
}

/** Where the walk stands in one layer. */
class LayerScan {
  readonly layer: DriveLayer
  head: DriveEntry | null = null
  readonly #files: AsyncIterator<DriveEntry>
  readonly #whiteouts: AsyncIterator<Whiteout>
  #whiteout: Hiding | null = null
  /** Each lies within the one before it. */
  readonly #hiding: Hiding[] = []
  readonly #skipped: Skipped[]
  #isSkipped = false

  constructor(layer: DriveLayer, range: PathRange, { own, skipped }: Reading) {
    this.layer = layer
    this.#skipped = skipped
    this.#files = own(layer.files(range))[Symbol.asyncIterator]()
    this.#whiteouts = own(layer.whiteouts(range))[Symbol.asyncIterator]()
  }

  async begin(): Promise<void> {
    await Promise.all([this.#nextFile(), this.#nextWhiteout()])
  }

  /** Whether what the layers below have at the path is hidden. To be asked in order of paths. */
  async hides(path: string): Promise<boolean> {
    while (this.#whiteout !== null && compareText(this.#whiteout.path, path) <= 0) {
      this.#push(this.#whiteout)
      await this.#nextWhiteout()
    }
    this.#forget(path)
    const isHidden = this.#hiding.some(
      (hiding) =>
        (hiding.hidesBelow && path.startsWith(`${hiding.path}/`)) ||
        (hiding.hidesFile && hiding.path === path)
    )
    return isHidden || this.#hasDirectory(path)
  }

  /** Goes on behind the path. */
  async pass(path: string): Promise<void> {
    if (this.head?.key !== path) return
    this.#push({ path, hidesFile: false, hidesBelow: true })
    await this.#nextFile()
  }

  async end(): Promise<void> {
    // One that is silent would not say that it has ended, either.
    if (this.#isSkipped) return
    await Promise.all([this.#files.return?.(), this.#whiteouts.return?.()])
  }

  /** Only when the next file lies between the path and what would be below it must it be looked up. */
  async #hasDirectory(path: string): Promise<boolean> {
    if (this.head === null) return false
    if (this.head.key.startsWith(`${path}/`)) return true
    if (compareText(this.head.key, `${path}/`) >= 0) return false
    try {
      return await this.layer.hasDirectory(path)
    } catch (failure) {
      this.#skip(failure)
      return false
    }
  }

  #push(hiding: Hiding): void {
    this.#forget(hiding.path)
    this.#hiding.push(hiding)
  }

  #forget(path: string): void {
    for (let last = this.#hiding.at(-1); last !== undefined; last = this.#hiding.at(-1)) {
      if (compareText(path, `${last.path}0`) < 0) return
      this.#hiding.pop()
    }
  }

  async #nextFile(): Promise<void> {
    this.head = (await this.#next(this.#files)) ?? null
  }

  async #nextWhiteout(): Promise<void> {
    this.#whiteout = null
    const next = await this.#next(this.#whiteouts)
    if (next === undefined) return
    const { key: path, value } = next
    try {
      this.#whiteout = { path, hidesFile: true, hidesBelow: this.layer.hiddenBy(path, value) === 'tree' }
    } catch (failure) {
      this.#skip(failure)
    }
  }

  async #next<T>(items: AsyncIterator<T>): Promise<T | undefined> {
    if (this.#isSkipped) return undefined
    try {
      const { done, value } = await this.layer.guard(items.next())
      return done === true ? undefined : value
    } catch (failure) {
      this.#skip(failure)
      return undefined
    }
  }

  /** Goes on as if the layer had nothing more. */
  #skip(failure: unknown): void {
    this.layer.skip(failure, this.#skipped)
    this.#isSkipped = true
    this.head = null
    this.#whiteout = null
  }
}
