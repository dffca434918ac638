import type { CoreWriter } from '../core-writer.ts'
import type { BlockSegment } from '../format/segment.ts'
import { openSegment } from '../read/archive-reader.ts'
import { damaged, readObject } from '../read/objects.ts'
import type { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'

/** Objects that are kept for the next segment: small ones of many segments lie in one. */
const KEPT_OBJECTS = 2

/** Brings segments into a core: several are read at once, one is written at a time, so that memory is bounded. */
export class RunWriter {
  readonly #store: ObjectStore
  readonly #key: Uint8Array
  readonly #target: CoreWriter
  readonly #parallel: number
  readonly #stop: Stop
  readonly #objects = new Map<string, Promise<Uint8Array | null>>()
  readonly #running = new Set<Promise<void>>()
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
      const opened = openSegment(this.#key, segment, bytes)
      const write = this.#writing.then(() => this.#target.write(start, opened.blocks, opened.nodes.values()))
      this.#writing = write.catch(() => {})
      await write
      for (const block of opened.blocks) this.bytes += block.byteLength
    }
    this.blocks += count
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
