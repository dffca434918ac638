import { UnionBeeError } from '../errors.ts'
import { patience, type Patience, waitFor } from '../sources/patience.ts'
import type { BeeLike, Policy, Skipped, TimerLike } from '../types.ts'
import { ancestors, below } from './paths.ts'
import type { DriveEntry, DriveLike, PathRange } from './types.ts'
import { type Hides, whatIsHidden, WHITEOUTS } from './whiteouts.ts'

/** What happens when a drive fails, or is silent for so long. */
export interface LayerPolicy {
  policy: Policy
  timeoutMs: number | undefined
  timer: TimerLike | undefined
}

/** As it is in the database. */
export interface Whiteout {
  /** Its path. */
  key: string
  value: unknown
}

/** One drive of a union: what it has, and what it hides of those below. */
export class DriveLayer {
  readonly drive: DriveLike
  readonly name: string
  readonly policy: Policy
  readonly #whiteouts: BeeLike | null
  readonly #patience: Patience

  constructor(drive: DriveLike, name: string, { policy, timeoutMs, timer }: LayerPolicy) {
    this.drive = drive
    this.name = name
    this.policy = policy
    this.#whiteouts = drive.db ?? null
    this.#patience = patience(timeoutMs, timer, () => {
      const message = `the drive ${name} was silent for ${timeoutMs} ms`
      return new UnionBeeError('UNION_BEE_SOURCE_TIMEOUT', message, { source: name })
    })
  }

  entry(path: string): Promise<DriveEntry | null> {
    return this.guard(this.drive.entry(path))
  }

  /** In byte order of paths. */
  files(range: PathRange, options?: { limit?: number }): AsyncIterable<DriveEntry> {
    return this.drive.entries(range, options)
  }

  /** In byte order of paths. */
  whiteouts(range: PathRange): AsyncIterable<Whiteout> {
    return this.#whiteouts === null
      ? none()
      : (this.#whiteouts.createReadStream(range, WHITEOUTS as object) as AsyncIterable<Whiteout>)
  }

  /** Whether there is anything below the path. */
  async hasDirectory(path: string): Promise<boolean> {
    const first = async (): Promise<boolean> => {
      for await (const _ of this.drive.entries(below(path), { limit: 1 })) return true
      return false
    }
    return this.guard(first())
  }

  /** Whether a path of the layers below is hidden by this one, whatever is there. */
  async hides(path: string): Promise<boolean> {
    const [blocked, isDirectory] = await Promise.all([this.blocks(path), this.hasDirectory(path)])
    return blocked || isDirectory
  }

  /** Whether all that the layers below have under a path is hidden by this one. */
  async blocksFolder(folder: string): Promise<boolean> {
    if (folder === '/') return false
    const [hidden, isBlocked, file] = await Promise.all([
      this.whiteout(folder),
      this.blocksAbove(folder),
      this.entry(folder)
    ])
    return hidden === 'tree' || isBlocked || file !== null
  }

  /** By a whiteout of it, or of a tree it is in, or by a file where the layers below have a directory above it. */
  async blocks(path: string): Promise<boolean> {
    const [hidden, isBlocked] = await Promise.all([this.whiteout(path), this.blocksAbove(path)])
    return hidden !== null || isBlocked
  }

  /** What the whiteout on a path hides; `null` without one. */
  async whiteout(path: string): Promise<Hides | null> {
    if (this.#whiteouts === null) return null
    const found = await this.guard(this.#whiteouts.get(path, WHITEOUTS as object))
    return found === null ? null : this.hiddenBy(path, found.value)
  }

  /** @throws UnionBeeError `UNION_BEE_SOURCE_FAILED` */
  hiddenBy(path: string, value: unknown): Hides {
    try {
      return whatIsHidden(path, value)
    } catch (cause) {
      throw this.#failure(cause)
    }
  }

  /** @throws UnionBeeError `UNION_BEE_SOURCE_FAILED`, `UNION_BEE_SOURCE_TIMEOUT` */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await waitFor(work, this.#patience)
    } catch (cause) {
      throw this.#failure(cause)
    }
  }

  /** Adds what an answer goes on without, once, unless it may not. @throws the failure */
  skip(failure: unknown, skipped: Skipped[]): void {
    if (this.policy === 'fail') throw failure
    if (!skipped.some(({ source }) => source === this.name))
      skipped.push({ source: this.name, cause: failure })
  }

  /** By a whiteout of a tree it is in, or by a file where the layers below have a directory above it. */
  async blocksAbove(path: string): Promise<boolean> {
    const looks = ancestors(path).flatMap((folder) => [
      this.entry(folder).then((file) => file !== null),
      this.whiteout(folder).then((hidden) => hidden === 'tree')
    ])
    return (await Promise.all(looks)).includes(true)
  }

  #failure(cause: unknown): UnionBeeError {
    if (cause instanceof UnionBeeError && cause.source === this.name) return cause
    const message = `the drive ${this.name} could not be read`
    return new UnionBeeError('UNION_BEE_SOURCE_FAILED', message, { cause, source: this.name })
  }
}

async function* none(): AsyncGenerator<never> {}
