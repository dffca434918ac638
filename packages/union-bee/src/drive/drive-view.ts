import ReadyResource from 'ready-resource'
import { UnionBeeError } from '../errors.ts'
import { GeneratorReader, type Reading } from '../merge/generator-reader.ts'
import { ReaderStream, type UnionStream } from '../merge/union-stream.ts'
import { closedError } from '../union-core.ts'
import type { DriveLayer } from './drive-layer.ts'
import type { DriveTree } from './drive-tree.ts'
import { FileStream } from './file-stream.ts'
import { nameIn, normalPath } from './paths.ts'
import type { ByteRange, ByteStream, DriveAnswer, DriveEntry, PathRange } from './types.ts'

export interface ListOptions {
  /** @defaultValue true */
  recursive?: boolean
  /** Paths that are left out, with all below them; or what says so. */
  ignore?: string | readonly string[] | ((path: string) => boolean) | null
}

/** A stream that ends with its union. */
interface Trackable {
  on(event: 'error', listener: () => void): unknown
  once(event: 'close', listener: () => void): unknown
  destroy(error?: Error): unknown
}

/** What can be read of a union of drives. */
export abstract class DriveView extends ReadyResource {
  /** As Hyperdrive says it to a mirror. */
  readonly supportsMetadata = true
  protected readonly tree: DriveTree
  readonly #layers: readonly DriveLayer[]
  readonly #streams = new Set<Trackable>()

  /** @internal */
  constructor(layers: readonly DriveLayer[], tree: DriveTree) {
    super()
    this.#layers = layers
    this.tree = tree
  }

  /**
   * A file or a link. An entry is given back as it is.
   *
   * @returns `null` when there is none. An answer that drives were left out of has `skipped`
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_SOURCE_FAILED`, `UNION_BEE_SOURCE_TIMEOUT`; `UNION_BEE_PARTIAL` when nothing was found
   * and a drive was left out that might have it
   */
  async entry(name: string | DriveEntry): Promise<DriveEntry | null> {
    this.refuseClosed()
    if (typeof name !== 'string') return name
    const path = normalPath(name)
    return this.tree.entry(path)
  }

  /**
   * As {@link entry}, but tells which drive has it, and says what was left out instead of refusing.
   *
   * @throws UnionBeeError as {@link entry}, without `UNION_BEE_PARTIAL`
   */
  async lookup(name: string): Promise<DriveAnswer> {
    this.refuseClosed()
    return this.tree.lookup(normalPath(name))
  }

  async exists(name: string): Promise<boolean> {
    return (await this.entry(name)) !== null
  }

  /** The bytes of a file; `null` when there is none, and for a link. @throws UnionBeeError as {@link entry} */
  async get(name: string | DriveEntry): Promise<Uint8Array | null> {
    const entry = await this.entry(name)
    if (entry === null) return null
    const { layer, entry: own } = this.tree.owner(entry)
    return layer.bytes(own)
  }

  /**
   * The bytes of a file, from the drive that has it. Memory: a stream's buffer.
   *
   * @throws UnionBeeError through the stream: `UNION_BEE_NOT_FOUND`, and as {@link entry}
   */
  createReadStream(name: string | DriveEntry, range?: ByteRange): ByteStream {
    const stream = new FileStream(async () => {
      const entry = await this.entry(name)
      if (entry === null) throw new UnionBeeError('UNION_BEE_NOT_FOUND', 'there is no such file')
      const { layer, entry: own } = this.tree.owner(entry)
      return {
        open: () => layer.drive.createReadStream(own as never, range) as ByteStream,
        failure: (cause) => layer.failure(cause)
      }
    })
    return this.track(stream) as unknown as ByteStream
  }

  /**
   * Everything in a directory, in byte order of paths; not `recursive`: one entry for each name in it.
   *
   * @throws UnionBeeError through the stream, as {@link entry}
   */
  list(
    folder: string | ListOptions = '/',
    options: ListOptions = typeof folder === 'string' ? {} : folder
  ): UnionStream<DriveEntry> {
    const path = normalPath(typeof folder === 'string' ? folder : '/')
    const ignores = ignoring(options.ignore)
    const { recursive = true } = options
    return this.#stream(async function* (this: DriveView, reading: Reading) {
      this.refuseClosed()
      const entries = recursive ? this.tree.all(path, reading) : this.tree.firsts(path, reading, ignores)
      for await (const entry of entries) if (!ignores(entry.key)) yield entry
    })
  }

  /**
   * All files whose paths lie in a range, in byte order of paths.
   *
   * @param options.limit - most of them
   * @throws UnionBeeError through the stream, as {@link entry}
   */
  entries(range: PathRange = {}, { limit = Infinity }: { limit?: number } = {}): UnionStream<DriveEntry> {
    return this.#stream(async function* (this: DriveView, reading: Reading) {
      this.refuseClosed()
      let left = limit
      if (left <= 0) return
      for await (const entry of this.tree.between(range, reading)) {
        yield entry
        if (--left === 0) return
      }
    })
  }

  /**
   * The names in a directory, each once, in byte order of the first path of each. Cost: a scan of its files; of a directory in it no more
   * than the first few.
   *
   * @throws UnionBeeError as {@link list}
   */
  readdir(folder = '/'): UnionStream<string> {
    const path = normalPath(folder)
    return this.#stream(async function* (this: DriveView, reading: Reading) {
      this.refuseClosed()
      for await (const { key } of this.tree.firsts(path, reading)) yield nameIn(path, key)
    })
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Ends all reads and streams. Waits for no drive that is silent, but for a write to the top that is under way. */
  override close(): Promise<void> {
    if (this.closing === null) for (const layer of this.#layers) layer.stop(closedError())
    return super.close()
  }

  protected override async _open(): Promise<void> {
    await Promise.all(
      this.#layers.map(async (layer) => {
        try {
          await layer.guard(() => layer.drive.ready?.())
        } catch (failure) {
          layer.skip(failure, [])
        }
      })
    )
  }

  protected override async _close(): Promise<void> {
    for (const stream of this.#streams) {
      // One that nobody reads yet has nobody to tell.
      stream.on('error', () => {})
      stream.destroy(closedError())
    }
    await this.finish()
  }

  /** What is to be done when all streams have been ended. */
  protected finish(): Promise<void> {
    return Promise.resolve()
  }

  protected refuseClosed(): void {
    if (this.closing !== null) throw new UnionBeeError('UNION_BEE_CLOSED', 'the union is closed')
  }

  /** Ends the stream with the union. */
  protected track<T extends Trackable>(stream: T): T {
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    return stream
  }

  #stream<T>(generate: (this: DriveView, reading: Reading) => AsyncGenerator<T>): UnionStream<T> {
    const reader = new GeneratorReader<T>((reading) => generate.call(this, reading))
    return this.track(new ReaderStream(reader)) as unknown as UnionStream<T>
  }
}

function ignoring(ignore: ListOptions['ignore'] = null): (path: string) => boolean {
  if (typeof ignore === 'function') return ignore
  if (ignore === null) return () => false
  const all = [ignore].flat().map(normalPath)
  return (path) => all.some((one) => path === one || path.startsWith(`${one}/`))
}
