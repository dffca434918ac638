import SubEncoder from 'sub-encoder'
import { UnionBeeError } from '../errors.ts'
import { patience, type Patience, waitFor } from '../sources/patience.ts'
import type { BeeLike, Policy, Skipped, TimerLike } from '../types.ts'
import { ancestors, below } from './paths.ts'
import type { DriveEntry, DriveLike, PathRange } from './types.ts'

/**
 * Where a drive's whiteouts are: in its database, beside the files (`files`, hyperdrive/index.js), where no path of a file can reach.
 * FORMAT.md.
 */
export const WHITEOUTS: { keyEncoding: SubEncoder } = {
  keyEncoding: new SubEncoder('cloudpal-whiteouts', 'utf-8')
}

/** What is written for a whiteout. */
export const WHITEOUT = { version: 1 }

/** What happens when a drive fails, or is silent for so long. */
export interface LayerPolicy {
  policy: Policy
  timeoutMs: number | undefined
  timer: TimerLike | undefined
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
  files(range: PathRange): AsyncIterable<DriveEntry> {
    return this.drive.entries(range)
  }

  /** Paths in byte order; all that lies on them or below them is hidden. */
  whiteouts(range: PathRange): AsyncIterable<{ key: string }> {
    return this.#whiteouts === null ? none() : this.#whiteouts.createReadStream(range, WHITEOUTS as object)
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
    const [blocked, file] = await Promise.all([this.blocks(folder), this.entry(folder)])
    return blocked || file !== null
  }

  /** By a whiteout of it or of a directory above it, or by a file where the layers below have such a directory. */
  async blocks(path: string): Promise<boolean> {
    const above = ancestors(path)
    const looks = [
      ...above.map(async (folder) => (await this.entry(folder)) !== null),
      ...[...above, path].map((hidden) => this.hasWhiteout(hidden))
    ]
    return (await Promise.all(looks)).includes(true)
  }

  async hasWhiteout(path: string): Promise<boolean> {
    if (this.#whiteouts === null) return false
    return (await this.guard(this.#whiteouts.get(path, WHITEOUTS as object))) !== null
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

  #failure(cause: unknown): UnionBeeError {
    if (cause instanceof UnionBeeError && cause.source === this.name) return cause
    const message = `the drive ${this.name} could not be read`
    return new UnionBeeError('UNION_BEE_SOURCE_FAILED', message, { cause, source: this.name })
  }
}

async function* none(): AsyncGenerator<never> {}
