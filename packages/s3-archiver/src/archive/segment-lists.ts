import type { S3ArchiverError } from '../errors.ts'
import { contentName } from '../format/names.ts'
import { encodeSegmentList } from '../format/segment-list.ts'
import { missingIn, type ListSegment, type Segment } from '../format/segment.ts'
import { combine } from '../merkle/subtree.ts'
import { readList } from '../read/archive-reader.ts'
import type { CallOptions, ObjectStore } from '../store/object-store.ts'
import type { Uploads } from './uploads.ts'

/** A record has so many segments; then the older ones go into a list. */
const MAX_INLINE = 64
/** So many of the last ones stay in the record: they are likely to be merged. */
const KEPT_INLINE = 16
/** Segments of a list. */
const MAX_LISTED = 1024
/** Lists that are kept in memory: the last one of each big core is read again when it grows. */
const MAX_CACHED = 64

/** The segments of big cores, in objects of their own. */
export class SegmentLists {
  readonly #store: ObjectStore
  readonly #uploads: Uploads
  readonly #cache = new Map<string, readonly Segment[]>()
  readonly #lost = new Set<string>()

  constructor(store: ObjectStore, uploads: Uploads) {
    this.#store = store
    this.#uploads = uploads
  }

  /** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
  async read(key: Uint8Array, list: ListSegment, call: CallOptions): Promise<readonly Segment[]> {
    const known = this.#cache.get(list.object)
    try {
      const segments = known ?? (await readList(this.#store, key, list, call))
      this.#note(list.object, segments)
      return segments
    } catch (error) {
      if ((error as S3ArchiverError).code === 'S3_ARCHIVER_DAMAGED') this.#lost.add(list.object)
      throw error
    }
  }

  /** Whether it was tried to read a list that is missing, or damaged. */
  isLost({ object }: ListSegment): boolean {
    return this.#lost.has(object)
  }

  /** Segments of which all but the last ones are in lists, when they are many. Begins to upload those. */
  async fold(key: Uint8Array, segments: readonly Segment[], call: CallOptions): Promise<readonly Segment[]> {
    if (segments.length <= MAX_INLINE) return segments
    const folded = segments.slice(0, -KEPT_INLINE)
    const result: Segment[] = []
    let open: Segment[] = []
    const close = async (): Promise<void> => {
      if (open.length > 0) result.push(await this.#write(key, open))
      open = []
    }
    for (const [i, segment] of folded.entries()) {
      const isLastList = segment.kind === 'list' && folded[i + 1]?.kind !== 'list'
      if (segment.kind !== 'list') open.push(segment)
      else {
        await close()
        const inside = isLastList ? await this.read(key, segment, call) : []
        if (isLastList && inside.length < MAX_LISTED && i + 1 < folded.length) open.push(...inside)
        else result.push(segment)
      }
      if (open.length >= MAX_LISTED) await close()
    }
    await close()
    return [...result, ...segments.slice(-KEPT_INLINE)]
  }

  async #write(key: Uint8Array, segments: readonly Segment[]): Promise<ListSegment> {
    const bytes = encodeSegmentList(key, segments)
    const object = contentName('index', bytes)
    await this.#uploads.add('index', bytes)
    this.#note(object, segments)
    const { start } = segments[0] as Segment
    const { start: last, count } = segments.at(-1) as Segment
    const end = last + count
    const nodes = combine(
      start,
      end,
      segments.flatMap((segment) => segment.nodes)
    )
    return { kind: 'list', object, missing: missingIn(segments), start, count: end - start, nodes }
  }

  /** The one that was used last stays longest. */
  #note(object: string, segments: readonly Segment[]): void {
    this.#cache.delete(object)
    this.#cache.set(object, segments)
    const [oldest] = this.#cache.keys()
    if (this.#cache.size > MAX_CACHED && oldest !== undefined) this.#cache.delete(oldest)
  }
}
