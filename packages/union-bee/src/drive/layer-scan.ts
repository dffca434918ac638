import { compareText } from '../keys/compare-text.ts'
import type { Skipped } from '../types.ts'
import type { DriveLayer, Whiteout } from './drive-layer.ts'
import { below } from './paths.ts'
import type { DriveEntry, PathRange } from './types.ts'
import { Walk } from './walk.ts'

/** A path that hides what the layers below have: a file all that is below it, a whiteout what is on it or that, too. */
interface Hiding {
  path: string
  hidesFile: boolean
  hidesBelow: boolean
}

/**
 * Where a walk in byte order of paths stands in one layer. A path hides those that begin with it and a slash; these are no later than the
 * path with a `0` in place of the slash, so what may still hide something is a short stack.
 */
export class LayerScan {
  readonly layer: DriveLayer
  /** The next file; `null` at the end. */
  head: DriveEntry | null = null
  readonly #range: PathRange
  readonly #skipped: Skipped[]
  #files: Walk<DriveEntry> | null = null
  #whiteouts: Walk<Whiteout> | null = null
  #whiteout: Hiding | null = null
  /** Each lies within the one before it. */
  readonly #hiding: Hiding[] = []
  #isSkipped = false

  constructor(layer: DriveLayer, range: PathRange, skipped: Skipped[]) {
    this.layer = layer
    this.#range = range
    this.#skipped = skipped
  }

  /** @param before - paths before the range that may hide what is in it, in byte order */
  async begin(before: readonly string[]): Promise<void> {
    await Promise.all([this.#openFiles(this.#range), this.#openWhiteouts(this.#range), this.#lookUp(before)])
  }

  /** Whether what the layers below have at the path is hidden. To be asked in order of paths. */
  async hides(path: string): Promise<boolean> {
    await this.#takeWhiteouts((at) => compareText(at, path) <= 0)
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

  /** Leaves out all that is still to come below a directory. */
  async seek(folder: string): Promise<void> {
    const { gt: inside, lt: behind } = below(folder)
    // What is below the directory hides nothing outside; what was before it may.
    await this.#takeWhiteouts((at) => compareText(at, inside) < 0)
    const isWithin = (path: string | undefined): boolean =>
      path !== undefined && compareText(path, behind) < 0
    const { gt: _, ...range } = { ...this.#range, gte: behind }
    await Promise.all([
      isWithin(this.head?.key) ? this.#openFiles(range) : null,
      isWithin(this.#whiteout?.path) ? this.#openWhiteouts(range) : null
    ])
  }

  /** Ends its streams. One that is silent would not say that it has ended. */
  end(): void {
    this.#files?.end()
    this.#whiteouts?.end()
    this.head = null
    this.#whiteout = null
  }

  /** Only when the next file lies between the path and what would be below it, or the range ends there, must it be looked up. */
  async #hasDirectory(path: string): Promise<boolean> {
    if (this.head === null && (this.#isSkipped || !this.#endsBefore(`${path}0`))) return false
    if (this.head?.key.startsWith(`${path}/`)) return true
    if (this.head !== null && compareText(this.head.key, `${path}/`) >= 0) return false
    try {
      return await this.layer.hasDirectory(path, this.#skipped)
    } catch (failure) {
      this.#skip(failure)
      return false
    }
  }

  #endsBefore(path: string): boolean {
    const end = this.#range.lt ?? this.#range.lte
    return end !== undefined && compareText(end, path) < 0
  }

  async #takeWhiteouts(isDue: (path: string) => boolean): Promise<void> {
    while (this.#whiteout !== null && isDue(this.#whiteout.path)) {
      this.#push(this.#whiteout)
      await this.#nextWhiteout()
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

  async #lookUp(before: readonly string[]): Promise<void> {
    try {
      for (const path of before) {
        const [file, hides] = await Promise.all([
          this.layer.entry(path, this.#skipped),
          this.layer.whiteout(path)
        ])
        if (file !== null || hides === 'tree') this.#hiding.push({ path, hidesFile: false, hidesBelow: true })
      }
    } catch (failure) {
      this.#skip(failure)
    }
  }

  async #openFiles(range: PathRange): Promise<void> {
    this.#files?.end()
    this.#files = new Walk(() => this.layer.files(range))
    await this.#nextFile()
  }

  async #openWhiteouts(range: PathRange): Promise<void> {
    this.#whiteouts?.end()
    this.#whiteouts = new Walk(() => this.layer.whiteouts(range))
    await this.#nextWhiteout()
  }

  async #nextFile(): Promise<void> {
    this.head = await this.#next(this.#files)
  }

  async #nextWhiteout(): Promise<void> {
    this.#whiteout = null
    const next = await this.#next(this.#whiteouts)
    if (next === null) return
    const { key: path, value } = next
    try {
      this.#whiteout = { path, hidesFile: true, hidesBelow: this.layer.hiddenBy(path, value) === 'tree' }
    } catch (failure) {
      this.#skip(failure)
    }
  }

  async #next<T>(walk: Walk<T> | null): Promise<T | null> {
    if (this.#isSkipped || walk === null) return null
    try {
      const item = await this.layer.guard(() => walk.next())
      if (item === null) this.layer.addSkipped(walk.stream(), this.#skipped)
      // The other stream of this layer may have failed in the meantime.
      return this.#isSkipped ? null : item
    } catch (failure) {
      this.#skip(failure)
      return null
    }
  }

  /** Goes on as if the layer had nothing more. */
  #skip(failure: unknown): void {
    this.layer.skip(failure, this.#skipped)
    this.#isSkipped = true
    this.end()
  }
}
