import { link, open, readdir, stat, unlink } from '#fs'
import { dirname, join, resolve } from '#path'
import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { S3ArchiverError } from '../errors.ts'
import { memoryFor } from './answers.ts'
import { Directories, syncDirectory } from './durable-directories.ts'
import { codeOf, fileError, isAbsent, linkError, nestedName } from './file-errors.ts'
import {
  checkObjectName,
  isObjectName,
  checkRange,
  throwIfAborted,
  type ByteRange,
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type RangeResult
} from './object-store.ts'

/** Where files are written before they have their name. No object's name starts with a dot. */
const UNFINISHED = '.unfinished'
/** What a process that was killed left there is removed after so many ms. */
const UNFINISHED_MS = 24 * 60 * 60 * 1000

/**
 * Objects as files of one directory on this machine: the embedded default. An object is written beside its place, synced to the disk,
 * and then linked to its name, which only one process can do: so it is there as a whole or not at all, also after power loss, and
 * several processes may use one directory. The file system must have hard links, and be the same for all that is in the directory: else
 * a put throws `S3_ARCHIVER_STORE_NO_CONDITIONS`. A full disk is `S3_ARCHIVER_STORE_UNAVAILABLE`, and leaves nothing behind.
 */
export class FileStore implements ObjectStore {
  readonly readOnly = false
  readonly #root: string
  readonly #directories: Directories
  #isSwept = false

  /** @param directory - made when it is needed */
  constructor(directory: string) {
    if (typeof directory !== 'string' || directory === '')
      throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'a file store has a directory')
    this.#root = resolve(directory)
    this.#directories = new Directories(this.#root)
  }

  async putIfAbsent(name: string, bytes: Uint8Array, { signal }: PutOptions = {}): Promise<boolean> {
    checkObjectName(name)
    throwIfAborted(signal)
    const copy = b4a.from(bytes)
    const path = this.#pathOf(name)
    let isLinked = false
    try {
      const unfinished = await this.#unfinishedPath()
      await this.#directories.make(dirname(path)).catch(refuseNested)
      try {
        await writeSynced(unfinished, copy)
        throwIfAborted(signal)
        const isMade = await linkOnce(unfinished, path)
        isLinked = isMade
        // Also for what another process has made, and not synced yet.
        await syncDirectory(dirname(path))
        return isMade
      } finally {
        await unlink(unfinished).catch(() => {})
      }
    } catch (error) {
      throw fileError(error, 'an object could not be written', isLinked)
    }
  }

  async getRange(
    name: string,
    range: ByteRange,
    { signal, buffer }: GetOptions = {}
  ): Promise<RangeResult | null> {
    checkObjectName(name)
    checkRange(range)
    throwIfAborted(signal)
    try {
      const file = await open(this.#pathOf(name), 'r')
      try {
        const { size } = await file.stat()
        const bytes = memoryFor(Math.max(0, Math.min(range.end, size) - range.start), buffer)
        let length = 0
        while (length < bytes.byteLength) {
          const { bytesRead } = await file.read(
            bytes,
            length,
            bytes.byteLength - length,
            range.start + length
          )
          if (bytesRead === 0)
            throw new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', 'a file ends too early')
          length += bytesRead
        }
        throwIfAborted(signal)
        return { bytes, size }
      } finally {
        await file.close()
      }
    } catch (error) {
      if (isAbsent(error)) return null
      throw fileError(error, 'an object could not be read')
    }
  }

  async head(name: string, { signal }: CallOptions = {}): Promise<ObjectInfo | null> {
    checkObjectName(name)
    throwIfAborted(signal)
    return this.#infoOf(name)
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { after = '', limit = Infinity, signal } = options
    let count = 0
    if (limit <= 0) return
    for await (const name of this.#namesIn('', prefix, after)) {
      throwIfAborted(signal)
      // It may have been deleted since its directory was read.
      const info = await this.#infoOf(name)
      if (info === null) continue
      yield info
      if (++count >= limit) return
    }
  }

  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    checkObjectName(name)
    throwIfAborted(signal)
    const path = this.#pathOf(name)
    try {
      await unlink(path)
      await syncDirectory(dirname(path))
    } catch (error) {
      if (!isAbsent(error)) throw fileError(error, 'an object could not be deleted')
    }
  }

  /** Names in their order: those of a directory stand where its own name does, with the slash after it. */
  async *#namesIn(directory: string, prefix: string, after: string): AsyncGenerator<string> {
    for (const entry of await this.#entriesOf(directory)) {
      const name = directory + entry
      const isDirectory = entry.endsWith('/')
      const overlap = isDirectory ? Math.min(name.length, prefix.length) : prefix.length
      if (name.slice(0, overlap) !== prefix.slice(0, overlap)) continue
      if (isDirectory) {
        // All in it come before, unless what comes after is in it, too.
        if (name < after && !after.startsWith(name)) continue
        yield* this.#namesIn(name, prefix, after)
      } else if (name > after) yield name
    }
  }

  async #entriesOf(directory: string): Promise<string[]> {
    try {
      const entries = await readdir(join(this.#root, directory), { withFileTypes: true })
      return (
        entries
          // What systems lay there by themselves, as Thumbs.db, is no object.
          .filter(({ name }) => isObjectName(name))
          .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
          .sort(byCode)
      )
    } catch (error) {
      if (isAbsent(error)) return []
      throw fileError(error, 'a directory could not be read')
    }
  }

  async #infoOf(name: string): Promise<ObjectInfo | null> {
    try {
      const info = await stat(this.#pathOf(name))
      return info.isDirectory() ? null : { name, size: info.size, modifiedMs: Math.floor(info.mtimeMs) }
    } catch (error) {
      if (isAbsent(error)) return null
      throw fileError(error, 'an object could not be looked up')
    }
  }

  /** Where an object is written before it has its name. */
  async #unfinishedPath(): Promise<string> {
    const directory = join(this.#root, UNFINISHED)
    await this.#directories.make(directory)
    if (!this.#isSwept) await sweep(directory)
    this.#isSwept = true
    return join(directory, b4a.toString(crypto.randomBytes(16), 'hex'))
  }

  #pathOf(name: string): string {
    return join(this.#root, name)
  }
}

/** Removes what killed processes left. */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const info = await stat(path).catch(() => null)
    // Another process may sweep, too.
    if (info !== null && info.mtimeMs < Date.now() - UNFINISHED_MS) await unlink(path).catch(() => {})
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    for (let offset = 0; offset < bytes.byteLength;) {
      const { bytesWritten } = await file.write(bytes, offset, bytes.byteLength - offset, offset)
      offset += bytesWritten
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Gives a file a second name, unless something has that. `rename` would replace it. */
async function linkOnce(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') refuseNested(linkError(error))
    if ((await stat(to).catch(() => null))?.isDirectory() === true) throw nestedName()
    return false
  }
}

/** Where a directory is looked for, an object lies. */
function refuseNested(error: unknown): never {
  throw codeOf(error) === 'ENOTDIR' ? nestedName() : error
}

/** In the order of the characters' codes, which `localeCompare` is not. */
function byCode(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
