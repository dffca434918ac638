import { UnionBeeError } from '../errors.ts'
import { addOnce, skippedWithin } from '../partial.ts'
import { patience, type Patience, Waits } from '../sources/patience.ts'
import type { BeeLike, Policy, Skipped, TimerLike } from '../types.ts'
import { ancestors, below } from './paths.ts'
import type { DriveAnswer, DriveEntry, DriveLike, PathRange } from './types.ts'
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

/** A union among the drives, which also says what it left out. */
interface UnionDriveLike extends DriveLike {
  lookup(path: string): Promise<DriveAnswer>
}

/** One drive of a union: what it has, and what it hides of those below. What a union among the drives was left without is added to `skipped`. */
export class DriveLayer {
  readonly drive: DriveLike
  readonly name: string
  readonly policy: Policy
  readonly #whiteouts: BeeLike | null
  readonly #patience: Patience
  readonly #waits = new Waits()

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

  async entry(path: string, skipped: Skipped[]): Promise<DriveEntry | null> {
    const { drive } = this
    if (!isUnion(drive)) return this.guard(() => drive.entry(path))
    const answer = await this.guard(() => drive.lookup(path))
    for (const one of skippedWithin(this.name, answer.skipped)) addOnce(one, skipped)
    return answer.entry
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
  async hasDirectory(path: string, skipped: Skipped[]): Promise<boolean> {
    let files: ReturnType<DriveLike['entries']> | null = null
    const first = async (): Promise<boolean> => {
      files = this.files(below(path), { limit: 1 })
      for await (const _ of files) return true
      this.addSkipped(files, skipped)
      return false
    }
    try {
      return await this.guard(first)
    } finally {
      endStream(files)
    }
  }

  /** Whether a path of the layers below is hidden by this one, whatever is there. */
  async hides(path: string, skipped: Skipped[]): Promise<boolean> {
    const [blocked, isDirectory] = await Promise.all([
      this.blocks(path, skipped),
      this.hasDirectory(path, skipped)
    ])
    return blocked || isDirectory
  }

  /** Whether all that the layers below have under a path is hidden by this one. */
  async blocksFolder(folder: string, skipped: Skipped[]): Promise<boolean> {
    if (folder === '/') return false
    const [hidden, isBlocked, file] = await Promise.all([
      this.whiteout(folder),
      this.blocksAbove(folder, skipped),
      this.entry(folder, skipped)
    ])
    return hidden === 'tree' || isBlocked || file !== null
  }

  /** By a whiteout of it, or of a tree it is in, or by a file where the layers below have a directory above it. */
  async blocks(path: string, skipped: Skipped[]): Promise<boolean> {
    const [hidden, isBlocked] = await Promise.all([this.whiteout(path), this.blocksAbove(path, skipped)])
    return hidden !== null || isBlocked
  }

  /** By a whiteout of a tree it is in, or by a file where the layers below have a directory above it. */
  async blocksAbove(path: string, skipped: Skipped[]): Promise<boolean> {
    const looks = ancestors(path).flatMap((folder) => [
      this.entry(folder, skipped).then((file) => file !== null),
      this.whiteout(folder).then((hidden) => hidden === 'tree')
    ])
    return (await Promise.all(looks)).includes(true)
  }

  /** What the whiteout on a path hides; `null` without one. */
  async whiteout(path: string): Promise<Hides | null> {
    const whiteouts = this.#whiteouts
    if (whiteouts === null) return null
    const found = await this.guard(() => whiteouts.get(path, WHITEOUTS as object))
    return found === null ? null : this.hiddenBy(path, found.value)
  }

  /** @throws UnionBeeError `UNION_BEE_BAD_WHITEOUT` */
  hiddenBy(path: string, value: unknown): Hides {
    const hides = whatIsHidden(value)
    if (hides !== null) return hides
    const message = `the whiteout of ${path} is of no version that is known here`
    throw new UnionBeeError('UNION_BEE_BAD_WHITEOUT', message, { source: this.name })
  }

  /** Why all waits have ended; `null` while they have not. */
  get stopped(): Error | null {
    return this.#waits.reason
  }

  /** Ends all waits for the drive, and those to come. */
  stop(reason: Error): void {
    this.#waits.stop(reason)
  }

  /** The bytes of an entry as the drive has it. They may take as long as they do. @throws UnionBeeError `UNION_BEE_SOURCE_FAILED` */
  async bytes(entry: DriveEntry): Promise<Uint8Array | null> {
    try {
      return await this.#waits.wait(this.drive.get(entry as never))
    } catch (cause) {
      throw this.failure(cause)
    }
  }

  /** @throws UnionBeeError `UNION_BEE_SOURCE_FAILED`, `UNION_BEE_SOURCE_TIMEOUT`, and why it was stopped */
  async guard<T>(work: () => Promise<T> | T): Promise<T> {
    try {
      return await this.#waits.wait(Promise.resolve(work()), this.#patience)
    } catch (cause) {
      throw this.failure(cause)
    }
  }

  /** What went wrong, as this package tells it. */
  failure(cause: unknown): UnionBeeError {
    if (cause instanceof UnionBeeError && (cause.source === this.name || cause === this.stopped)) return cause
    const message = `the drive ${this.name} could not be read`
    return new UnionBeeError('UNION_BEE_SOURCE_FAILED', message, { cause, source: this.name })
  }

  /** Adds what an answer goes on without, unless it may not. @throws the failure */
  skip(failure: unknown, skipped: Skipped[]): void {
    if (this.policy === 'fail' || this.stopped !== null) throw failure
    addOnce({ source: this.name, cause: failure }, skipped)
  }

  /** Adds what a stream of a union among the drives was left without. */
  addSkipped(stream: AsyncIterable<unknown>, skipped: Skipped[]): void {
    const { skipped: within = [] } = stream as { skipped?: readonly Skipped[] }
    for (const one of skippedWithin(this.name, within)) addOnce(one, skipped)
  }
}

/** Ends a stream of a drive, also in the middle of a wait. */
export function endStream(stream: AsyncIterable<unknown> | null): void {
  ;(stream as { destroy?(): unknown } | null)?.destroy?.()
}

function isUnion(drive: DriveLike): drive is UnionDriveLike {
  return 'lookup' in drive
}

async function* none(): AsyncGenerator<never> {}
