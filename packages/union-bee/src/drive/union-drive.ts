import { UnionBeeError } from '../errors.ts'
import type { Policy, TimerLike } from '../types.ts'
import { checkPolicy } from '../sources/check-source.ts'
import { DriveLayer } from './drive-layer.ts'
import { DriveTree } from './drive-tree.ts'
import { DriveView } from './drive-view.ts'
import { DriveWriter } from './drive-writer.ts'
import { FileWriteStream } from './file-write-stream.ts'
import { normalPath } from './paths.ts'
import type { DriveEntry, DriveLike, FileOptions, WritableDriveLike } from './types.ts'

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

/**
 * Many drives read as one, as overlayfs shows directories (Linux, Documentation/filesystems/overlayfs.rst): directories merge; of files the
 * highest is shown; a file hides a directory below it and a directory a file; a whiteout a file, or that and all below it. Blobs stay where they are. It borrows
 * its drives. With a `top` it is writable: all writes go there, and nothing is copied to be read or deleted.
 */
export class UnionDrive extends DriveView {
  readonly #top: WritableDriveLike | null
  readonly #writer: DriveWriter | null

  /**
   * @param drives - from the highest on; at least one
   * @throws UnionBeeError `UNION_BEE_NO_SOURCES`, `UNION_BEE_BAD_ARGUMENT`, `UNION_BEE_NOT_WRITABLE`
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
    const all: DriveLike[] = top === null ? [...drives] : [top, ...drives]
    checkDrives(all)
    checkPolicy(policy)
    if (top !== null && !(typeof top.put === 'function' && typeof top.del === 'function' && top.db?.put))
      throw new UnionBeeError(
        'UNION_BEE_NOT_WRITABLE',
        'the top lacks put, del, or a database that can be written'
      )
    const layers = all.map((drive, i) => new DriveLayer(drive, `drive-${i}`, { policy, timeoutMs, timer }))
    super(layers, new DriveTree(layers, newest))
    const [highest, ...lower] = layers
    this.#top = top
    this.#writer =
      top === null
        ? null
        : new DriveWriter(top, highest as DriveLayer, this.tree, new DriveTree(lower, newest))
  }

  get writable(): boolean {
    return this.#top !== null
  }

  /**
   * Writes a file to the top, in the place of what is on its path. A path is a file or a directory: it also takes the place of files above
   * it, and of all below it. What it hides in the drives below comes back with no deletion. Cost: beside the write, lookups in the top, and a
   * deletion for each of its files that give way.
   *
   * @throws UnionBeeError `UNION_BEE_NOT_WRITABLE`; `UNION_BEE_CLOSED`, when the union is closed meanwhile: it may have been written then;
   * `UNION_BEE_SOURCE_FAILED`, `UNION_BEE_BAD_ARGUMENT` for the root
   */
  async put(name: string, data: Uint8Array, options: FileOptions = {}): Promise<void> {
    const [top, writer] = this.#writable()
    const path = filePath(name)
    await writer.put(path, () => top.put(path, data, options))
  }

  /** Writes a link to the top. @throws UnionBeeError as {@link put} */
  async symlink(
    name: string,
    target: string,
    { metadata = null }: { metadata?: unknown } = {}
  ): Promise<void> {
    const [top, writer] = this.#writable()
    const path = filePath(name)
    await writer.put(path, () => top.symlink(path, target, { metadata }))
  }

  /**
   * As {@link put}, by a stream of the field: the file is there when it finishes.
   *
   * @throws UnionBeeError `UNION_BEE_NOT_WRITABLE`, `UNION_BEE_CLOSED`; through the stream as {@link put}
   */
  createWriteStream(name: string, options: FileOptions = {}): FileWriteStream {
    const [top, writer] = this.#writable()
    const path = filePath(name)
    const sink = top.createWriteStream(path, options)
    return this.track(new FileWriteStream(sink, (write) => writer.put(path, write)))
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

  protected override async finish(): Promise<void> {
    await this.#writer?.close()
  }

  #writable(): [WritableDriveLike, DriveWriter] {
    this.refuseClosed()
    if (this.#top === null || this.#writer === null)
      throw new UnionBeeError('UNION_BEE_NOT_WRITABLE', 'give the union a `top` to write to')
    return [this.#top, this.#writer]
  }
}

/** @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT` */
function filePath(name: string): string {
  const path = normalPath(name)
  if (path === '/') throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the root is no file')
  return path
}

function checkDrives(drives: readonly DriveLike[]): void {
  if (drives.length === 0) throw new UnionBeeError('UNION_BEE_NO_SOURCES', 'a union needs at least one drive')
  for (const [i, drive] of drives.entries()) {
    if (typeof drive?.entry !== 'function' || typeof drive.entries !== 'function')
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', `drive ${i} has no entry and entries`)
  }
}
