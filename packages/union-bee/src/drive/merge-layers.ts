import { compareText } from '../keys/compare-text.ts'
import type { Reading } from '../merge/generator-reader.ts'
import type { DriveLayer } from './drive-layer.ts'
import { LayerScan } from './layer-scan.ts'
import type { DriveEntry, PathRange } from './types.ts'

/** An entry that several layers may have, from the highest on; the highest is what is shown unless somebody prefers another. */
export interface LayeredEntry {
  entry: DriveEntry
  layer: DriveLayer
}

/**
 * A walk through all files of a range that are visible, with every visible version of each, in byte order of paths. Memory: what the
 * drives' streams buffer.
 */
export class LayerMerge {
  readonly #scans: readonly LayerScan[]
  #path: string | null = null

  /** @param layers - from the highest on; what hides the whole range is left out already */
  constructor(layers: readonly DriveLayer[], range: PathRange, { own, skipped }: Reading) {
    this.#scans = layers.map((layer) => new LayerScan(layer, range, skipped))
    own({ destroy: () => this.end() })
  }

  /** @param before - paths before the range that may hide what is in it, in byte order */
  async begin(before: readonly string[] = []): Promise<void> {
    await Promise.all(this.#scans.map((scan) => scan.begin(before)))
  }

  /** The next visible one; `null` at the end. */
  async next(): Promise<readonly LayeredEntry[] | null> {
    for (;;) {
      await this.#pass()
      this.#path = this.#lowest()
      if (this.#path === null) return null
      const visible = await this.#visibleAt(this.#path)
      if (visible.length > 0) return visible
    }
  }

  /** Leaves out what is still to come below a directory, in which the walk must be. */
  async seek(folder: string): Promise<void> {
    await this.#pass()
    await Promise.all(this.#scans.map((scan) => scan.seek(folder)))
  }

  end(): void {
    for (const scan of this.#scans) scan.end()
  }

  async #pass(): Promise<void> {
    const path = this.#path
    if (path === null) return
    this.#path = null
    await Promise.all(this.#scans.map((scan) => scan.pass(path)))
  }

  async #visibleAt(path: string): Promise<LayeredEntry[]> {
    const visible: LayeredEntry[] = []
    const last = this.#scans.findLastIndex(({ head }) => head?.key === path)
    for (const [i, scan] of this.#scans.entries()) {
      if (scan.head?.key === path) visible.push({ entry: scan.head, layer: scan.layer })
      if (i === last || (await scan.hides(path))) return visible
    }
    return visible
  }

  #lowest(): string | null {
    let least: string | null = null
    for (const { head } of this.#scans)
      if (head !== null && (least === null || compareText(head.key, least) < 0)) least = head.key
    return least
  }
}
