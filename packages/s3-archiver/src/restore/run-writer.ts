import type { CoreWriter } from '../core-writer.ts'
import type { BlockSegment } from '../format/segment.ts'
import { openSegment, type OpenedSegment } from '../read/archive-reader.ts'
import { damaged, readObject } from '../read/objects.ts'
import type { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'

/** Objects that are kept for the next segment: small ones of many segments lie in one. */
const KEPT_OBJECTS = 1

/** What is written to the disk at once. */
const PIECE_BYTES: number = 256 * 1024
const PIECE_BLOCKS = 2048

/** Brings segments into a core: several are read at once, one is written at a time, so that memory is bounded. */
export class RunWriter {
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #target: CoreWriter
  readonly #parallel: number
  readonly #stop: Stop
  readonly #objects = new Map<string, Promise<Uint8Array | null>>()
  readonly #running = new Set<Promise<void>>()
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
    while (this.#running.size >= this.#parallel) await Promise.race(this.#running)
    if (this.#failure !== null) throw this.#failure.error
    const running = this.#restore(segment)
      .then(onDone)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#running.delete(running))
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

  /** In small pieces: of each, Hypercore's store makes several copies. The last of the nodes comes last, so that what is there of a segment tells. */
  async #write(start: number, { blocks, nodes }: OpenedSegment): Promise<void> {
    const all = [...nodes.values()]
    let written = 0
    for (let first = 0, end = 0; first < blocks.length; first = end) {
      for (let bytes = 0; end < blocks.length && bytes < PIECE_BYTES && end - first < PIECE_BLOCKS; end++)
        bytes += (blocks[end] as Uint8Array).byteLength
      const share = all.slice(written, Math.floor((all.length * end) / blocks.length))
      written += share.length
      await this.#target.write(start + first, blocks.slice(first, end), share)
    }
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
