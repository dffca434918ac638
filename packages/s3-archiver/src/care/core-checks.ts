import type { S3ArchiverError, S3ArchiverErrorCode } from '../errors.ts'
import type { BlockSegment } from '../format/segment.ts'
import { expandSegments, readHeadIn } from '../read/archive-reader.ts'
import { openSegment } from '../read/opened-segment.ts'
import type { StoredCommit } from '../read/commits.ts'
import { damaged } from '../read/objects.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'

/** What is wrong with a core, the first of it. */
export interface CoreProblem {
  key: Uint8Array
  code: S3ArchiverErrorCode
  message: string
}

/** Checks segments of cores against the cores' keys, object by object. Takes some hundred bytes for each segment. */
export class CoreChecks {
  readonly #segments = new Map<string, { key: Uint8Array; segment: BlockSegment }[]>()
  readonly #problems = new Map<Uint8Array, CoreProblem>()
  /** Blocks that the archive lacks of these cores. */
  missing = 0

  /** Reads and checks heads, and lists of segments. @throws what the store throws */
  static async read(
    store: ObjectStore,
    newest: StoredCommit,
    keys: readonly Uint8Array[],
    call: CallOptions
  ): Promise<CoreChecks> {
    const checks = new CoreChecks()
    for (const key of keys)
      await checks.#note(key, async () => {
        const { record } = await readHeadIn(store, key, newest, call)
        for await (const segment of expandSegments(store, key, record.segments, call)) {
          if (segment.kind === 'hole') {
            checks.missing += segment.count
            continue
          }
          const known = checks.#segments.get(segment.object)
          if (known === undefined) checks.#segments.set(segment.object, [{ key, segment }])
          else known.push({ key, segment })
        }
      })
    return checks
  }

  get problems(): CoreProblem[] {
    return [...this.#problems.values()]
  }

  /** @param bytes - of the object; `null` when it is missing */
  async check(object: string, bytes: Uint8Array | null): Promise<void> {
    for (const { key, segment } of this.#segments.get(object) ?? [])
      await this.#note(key, async () => {
        if (bytes === null) throw damaged('an object of a core is missing')
        openSegment(key, segment, bytes)
      })
  }

  async #note(key: Uint8Array, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const { code, message } = error as S3ArchiverError
      if (code !== 'S3_ARCHIVER_DAMAGED' && code !== 'S3_ARCHIVER_NOT_ARCHIVED') throw error
      if (!this.#problems.has(key)) this.#problems.set(key, { key, code, message })
    }
  }
}
