import ReadyResource from 'ready-resource'
import { UnionBeeError } from '../errors.ts'
import type { Policy, TimerLike } from '../types.ts'
import { GeneratorReader, type Reading } from '../merge/generator-reader.ts'
import { ReaderStream, type UnionStream } from '../merge/union-stream.ts'
import { DriveLayer } from './drive-layer.ts'
import { DriveTree } from './drive-tree.ts'
import { DriveWriter } from './drive-writer.ts'
import { FileStream } from './file-stream.ts'
import { FileWriteStream } from './file-write-stream.ts'
import { nameIn, normalPath } from './paths.ts'
import type {
  ByteRange,
  ByteStream,
  DriveAnswer,
  DriveEntry,
  DriveLike,
  FileOptions,
  PathRange,
  WritableDriveLike
} from './types.ts'

export interface UnionDriveOptions {
  /** Of files that several drives have, the one with the greatest time is shown, whatever the order of the drives; `null` is earliest. */
  newest?: (entry: DriveEntry) => number | bigint | null
  /** Of all drives. @defaultValue 'fail' */
  policy?: Policy
  /** Longest silence of a drive, in ms; not while a file's bytes are read. @defaultValue no limit */
  timeoutMs?: number
  /** @defaultValue those of the platform */
  timer?: TimerLike
}

export interface ListOptions {
  /** @defaultValue true */
  recursive?: boolean
  /** Paths that are left out, with all below them; or what says so. */
  ignore?: string | readonly string[] | ((path: string) => boolean) | null
}

/**
 * Many drives read as one, as overlayfs shows directories (Linux, Documentation/filesystems/overlayfs.rst): directories merge; of files the
 * highest is shown; a file hides a directory below it and a directory a file; a whiteout hides both. Blobs stay where they are. It borrows
 * its drives. With a `top` it is writable: all writes go there, and nothing is copied to be read or deleted.
 */
export class UnionDrive extends ReadyResource {
  /** As Hyperdrive says it to a mirror. */
  readonly supportsMetadata = true
  readonly #layers: readonly DriveLayer[]
  readonly #top: WritableDriveLike | null
  readonly #writer: DriveWriter | null
  readonly #tree: DriveTree
  readonly #streams = new Set<{ destroy(error?: Error): unknown }>()

  /**
   * @param drives - from the highest on; at least one
   * @throws UnionBeeError `UNION_BEE_NO_SOURCES`, `UNION_BEE_BAD_ARGUMENT`
   */
  constructor(
    drives: Iterable<DriveLike>,
    {
      top = null,
      newest,
      policy = 'fail',
      timeoutMs,
      timer
    }: UnionDriveOptions & { top?: WritableDriveLike | null } = {}
  ) {
    super()
    const all: DriveLike[] = top === null ? [...drives] : [top, ...drives]
    if (all.length === 0) throw new UnionBeeError('UNION_BEE_NO_SOURCES', 'a union needs at least one drive')
    for (const [i, drive] of all.entries()) {
      if (typeof drive?.entry !== 'function' || typeof drive.entries !== 'function')
        throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', `drive ${i} has no entry and entries`)
    }
    this.#layers = all.map((drive, i) => new DriveLayer(drive, `drive-${i}`, { policy, timeoutMs, timer }))
    this.#top = top
    this.#tree = new DriveTree(this.#layers, newest)
    const [highest, ...lower] = this.#layers
    this.#writer =
      top === null
        ? null
        : new DriveWriter(top, highest as DriveLayer, this.#tree, new DriveTree(lower, newest))
  }

  get writable(): boolean {
    return this.#top !== null
  }

  /**
   * A file or a link. An entry is given back as it is.
   *
   * @returns `null` when there is none. An answer that drives were left out of has `skipped`
   * @throws UnionBeeError `UNION_BEE_CLOSED`, `UNION_BEE_SOURCE_FAILED`, `UNION_BEE_SOURCE_TIMEOUT`; `UNION_BEE_PARTIAL` when nothing was found
   * and a drive was left out that might have it
   */
  async entry(name: string | DriveEntry): Promise<DriveEntry | null> {
    this.#guard()
    if (typeof name !== 'string') return name
    const path = normalPath(name)
    return this.#tree.entry(path)
  }

  /**
   * As {@link entry}, but tells which drive has it, and says what was left out instead of refusing.
   *
   * @throws UnionBeeError as {@link entry}, without `UNION_BEE_PARTIAL`
   */
  async lookup(name: string): Promise<DriveAnswer> {
    this.#guard()
    return this.#tree.lookup(normalPath(name))
  }

  async exists(name: string): Promise<boolean> {
    return (await this.entry(name)) !== null
  }

  /** The bytes of a file; `null` when there is none, and for a link. @throws UnionBeeError as {@link entry} */
  async get(name: string | DriveEntry): Promise<Uint8Array | null> {
    const entry = await this.entry(name)
    if (entry === null) return null
    const { layer, entry: own } = this.#tree.owner(entry)
    try {
      return await layer.drive.get(own as never)
    } catch (cause) {
      throw layer.failure(cause)
    }
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
      const { layer, entry: own } = this.#tree.owner(entry)
      return layer.drive.createReadStream(own as never, range) as ByteStream
    })
    return this.#track(stream) as unknown as ByteStream
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
    return this.#stream(async function* (this: UnionDrive, reading: Reading) {
      this.#guard()
      const entries = recursive ? this.#tree.all(path, reading) : this.#tree.firsts(path, reading)
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
    return this.#stream(async function* (this: UnionDrive, reading: Reading) {
      this.#guard()
      let left = limit
      if (left <= 0) return
      for await (const entry of this.#tree.between(range, reading)) {
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
    return this.#stream(async function* (this: UnionDrive, reading: Reading) {
      this.#guard()
      for await (const { key } of this.#tree.firsts(path, reading)) yield nameIn(path, key)
    })
  }

  /**
   * Writes a file to the top, in the place of what is on its path. A path is a file or a directory: it also takes the place of files above
   * it, and of all below it. What it hides in the drives below comes back with no deletion.
   *
   * @throws UnionBeeError `UNION_BEE_NOT_WRITABLE`, `UNION_BEE_CLOSED`, `UNION_BEE_SOURCE_FAILED`
   */
  async put(name: string, data: Uint8Array, options: FileOptions = {}): Promise<void> {
    const [top, writer] = this.#writable()
    const path = normalPath(name)
    await writer.put(path, () => top.put(path, data, options))
  }

  /** Writes a link to the top. @throws UnionBeeError as {@link put} */
  async symlink(
    name: string,
    target: string,
    { metadata = null }: { metadata?: unknown } = {}
  ): Promise<void> {
    const [top, writer] = this.#writable()
    const path = normalPath(name)
    await writer.put(path, () => top.symlink(path, target, { metadata }))
  }

  /**
   * As {@link put}, by a stream of the field: the file is there when it finishes.
   *
   * @throws UnionBeeError `UNION_BEE_NOT_WRITABLE`, `UNION_BEE_CLOSED`; through the stream as {@link put}
   */
  createWriteStream(name: string, options: FileOptions = {}): FileWriteStream {
    const [top, writer] = this.#writable()
    const path = normalPath(name)
    const sink = top.createWriteStream(path, options)
    return this.#track(new FileWriteStream(sink, (write) => writer.put(path, write)))
  }

  /**
   * Deletes a file that is shown, and nothing else: whiteouts in the top hide what the drives below have in its place. What is not there
   * stays so. A crash in the middle leaves the file, or nothing.
   *
   * @throws UnionBeeError as {@link put} and {@link entry}
   */
  async del(name: string): Promise<void> {
    const [, writer] = this.#writable()
    await writer.del(normalPath(name))
  }

  /** Same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
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
    for (const stream of this.#streams)
      stream.destroy(new UnionBeeError('UNION_BEE_CLOSED', 'the union was closed while it was in use'))
    await this.#writer?.close()
  }

  #guard(): void {
    if (this.closing !== null) throw new UnionBeeError('UNION_BEE_CLOSED', 'the union is closed')
  }

  #writable(): [WritableDriveLike, DriveWriter] {
    this.#guard()
    if (this.#top === null || this.#writer === null)
      throw new UnionBeeError('UNION_BEE_NOT_WRITABLE', 'give the union a `top` to write to')
    return [this.#top, this.#writer]
  }

  #stream<T>(generate: (this: UnionDrive, reading: Reading) => AsyncGenerator<T>): UnionStream<T> {
    const reader = new GeneratorReader<T>((reading) => generate.call(this, reading))
    return this.#track(new ReaderStream(reader)) as unknown as UnionStream<T>
  }

  #track<T extends FileStream | FileWriteStream | ReaderStream<unknown>>(stream: T): T {
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    return stream
  }
}

function ignoring(ignore: ListOptions['ignore'] = null): (path: string) => boolean {
  if (typeof ignore === 'function') return ignore
  if (ignore === null) return () => false
  const all = [ignore].flat().map(normalPath)
  return (path) => all.some((one) => path === one || path.startsWith(`${one}/`))
}
