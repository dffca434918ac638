import type { CoreWriter } from '../core-writer.ts'
import type { BlockSegment } from '../format/segment.ts'
import { openSegment, type OpenedSegment } from '../read/archive-reader.ts'
import { damaged, readObject } from '../read/objects.ts'
import type { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'

/** Objects that are kept for the next segment: small ones of many segments lie in one. */
const KEPT_OBJECTS = 1

/** Bytes of blocks that are under way at once, unless one segment alone has more. */
const BYTES_UNDER_WAY: number = 16 * 1024 * 1024

/** What is written to the disk at once. */
const PIECE_BYTES: number = 256 * 1024
const PIECE_BLOCKS = 512

/** Brings segments into a core: several are read at once, one is written at a time, so that memory is bounded. */
export class RunWriter {
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #target: CoreWriter
  readonly #parallel: number
  readonly #stop: Stop
  readonly #objects = new Map<string, Promise<Uint8Array | null>>()
  readonly #running = new Set<Promise<void>>()
  #underWay = 0
  #beforeLast: Promise<void> = Promise.resolve()
  #writing: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | null = null
  blocks = 0
  resumed = 0
  bytes = 0

  constructor(store: ObjectStore, key: Uint8Array, target: CoreWriter, parallel: number, stop: Stop) {
    this.#store = store
    this.#key = key
    this.#target = target
    this.#parallel = parallel
    this.#stop = stop
  }

  /** Waits while too much is under way. @throws what went wrong with an earlier one */
  async add(segment: BlockSegment, onDone: () => void): Promise<void> {
    const size = segment.nodes.reduce((sum, node) => sum + node.size, 0)
    const isTooMuch = (): boolean =>
      this.#running.size >= this.#parallel || this.#underWay + size > BYTES_UNDER_WAY
    while (this.#running.size > 0 && isTooMuch()) await Promise.race(this.#running)
    if (this.#failure !== null) throw this.#failure.error
    this.#underWay += size
    const running = this.#restore(segment)
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

  async #restore(segment: BlockSegment): Promise<void> {
    const { start, count, nodes } = segment
    if (await this.#target.has(start, count, nodes)) {
      this.resumed += count
    } else {
      const bytes = await this.#objectOf(segment.object)
      if (bytes === null) throw damaged('an object of it is missing')
      // While one is written the next is hashed, and no more: small blocks take several times their size in memory.
      const before = this.#writing
      const opening = this.#beforeLast.then(() => openSegment(this.#key, segment, bytes))
      const write = Promise.all([opening, before]).then(([opened]) => this.#write(start, opened))
      this.#beforeLast = before
      this.#writing = write.catch(() => {})
      await write
      for (const { size } of nodes) this.bytes += size
    }
    this.blocks += count
  }

  /** In small pieces: of each, Hypercore's store makes several copies. The nodes over a piece come with it, so that what is there of a segment tells. */
  async #write(start: number, { blocks, tree }: OpenedSegment): Promise<void> {
    let [first, bytes] = [start, 0]
    let piece: Uint8Array[] = []
    const flush = async (): Promise<void> => {
      const nodes = piece.flatMap((_, i) => [...tree.endingAt(first + i)])
      await this.#target.write(first, piece, nodes)
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

  #objectOf(name: string): Promise<Uint8Array | null> {
    const known = this.#objects.get(name)
    if (known !== undefined) return known
    const reading = readObject(this.#store, name, { signal: this.#stop })
    this.#objects.set(name, reading)
    const [oldest] = this.#objects.keys()
    if (this.#objects.size > KEPT_OBJECTS && oldest !== undefined) this.#objects.delete(oldest)
    return reading
  }
}
