import type { CoreWriter } from '../core-writer.ts'
import type { BlockSegment } from '../format/segment.ts'
import { SegmentCheck } from '../read/opened-segment.ts'
import type { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { ObjectReader } from './object-reader.ts'

/** Bytes of blocks that are under way at once, unless one segment alone has more. */
const BYTES_UNDER_WAY: number = 16 * 1024 * 1024

/** What is written to the disk at once. */
const PIECE_BYTES: number = 256 * 1024
const PIECE_BLOCKS = 512

/** Brings segments into a core: several are read at once, one is written at a time, so that memory is bounded. */
export class RunWriter {
  readonly #objects: ObjectReader
  readonly #key: Uint8Array
  readonly #target: CoreWriter
  readonly #parallel: number
  readonly #running = new Set<Promise<void>>()
  #underWay = 0
  #next: SegmentCheck | null = null
  #beforeLast: Promise<void> = Promise.resolve()
  #writing: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | null = null
  blocks = 0
  resumed = 0
  bytes = 0

  constructor(store: ObjectStore, key: Uint8Array, target: CoreWriter, parallel: number, stop: Stop) {
    this.#objects = new ObjectReader(store, { signal: stop })
    this.#key = key
    this.#target = target
    this.#parallel = parallel
  }

  /** Waits while too much is under way. @throws what went wrong with an earlier one */
  async add(segment: BlockSegment, onDone: () => void): Promise<void> {
    const size = segment.nodes.reduce((sum, node) => sum + node.size, 0)
    const isTooMuch = (): boolean =>
      this.#running.size >= this.#parallel || this.#underWay + size > BYTES_UNDER_WAY
    while (this.#running.size > 0 && isTooMuch()) await Promise.race(this.#running)
    if (this.#failure !== null) throw this.#failure.error
    this.#underWay += size
    const running = this.#restore(segment, size)
      .then(onDone)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#underWay -= size
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  /** Resolves when nothing is under way any more. @throws what went wrong */
  async done(): Promise<void> {
    await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure.error
  }

  async #restore(segment: BlockSegment, size: number): Promise<void> {
    const { start, count, nodes } = segment
    if (await this.#target.has(start, count, nodes)) {
      this.resumed += count
    } else {
      const object = await this.#objects.read(segment.object, size)
      // While one is written the next is hashed, and no more: small blocks take several times their size in memory.
      const before = this.#writing
      const checking = this.#beforeLast.then(
        () => (this.#next = new SegmentCheck(this.#key, segment, object.bytes))
      )
      const write = Promise.all([checking, before]).then(([check]) => this.#write(start, check))
      this.#beforeLast = before
      this.#writing = write.catch(() => {})
      try {
        await write
      } finally {
        object.release()
      }
      this.bytes += size
    }
    this.blocks += count
  }

  /** In small pieces: of each, Hypercore's store makes several copies. The nodes over a piece come with it, so that what is there of a segment tells. */
  async #write(start: number, check: SegmentCheck): Promise<void> {
    const { blocks, tree } = check.finish()
    let [first, bytes] = [start, 0]
    let piece: Uint8Array[] = []
    const flush = async (): Promise<void> => {
      const nodes = piece.flatMap((_, i) => [...tree.endingAt(first + i)])
      const writing = this.#target.write(first, piece, nodes)
      this.#next?.advance(bytes)
      await writing
      first += piece.length
      bytes = 0
      piece = []
    }
    for (const block of blocks) {
      piece.push(block)
      bytes += block.byteLength
      if (bytes >= PIECE_BYTES || piece.length === PIECE_BLOCKS) await flush()
    }
    if (piece.length > 0) await flush()
  }
}
