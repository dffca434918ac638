import { mkdir, open } from '#fs'
import { dirname } from '#path'
import { codeOf } from './file-errors.ts'

/** Makes the directories below a root so that they are there after power loss, and remembers which are. */
export class Directories {
  readonly #root: string
  readonly #durable = new Set<string>()

  /** @param root - an absolute path */
  constructor(root: string) {
    this.#root = root
  }

  /** Also for a directory that another process made in this moment, and has not synced yet. */
  async make(path: string): Promise<void> {
    const isMade = await makeOne(path, () => this.make(dirname(path)))
    if (!isMade && this.#durable.has(path)) return
    const parent = dirname(path)
    const isBelow = path.length > this.#root.length
    if (isBelow) await this.make(parent)
    const syncing = syncDirectory(parent)
    // What the root lies in need not be readable.
    await (isMade || isBelow ? syncing : syncing.catch(() => {}))
    this.#durable.add(path)
  }
}

/** @returns whether it was made by this call */
async function makeOne(path: string, makeParent: () => Promise<void>): Promise<boolean> {
  for (;;) {
    try {
      await mkdir(path)
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EEXIST') return false
      if (code !== 'ENOENT' || dirname(path) === path) throw error
    }
    await makeParent()
  }
}

/** Makes durable which names a directory has. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (error) {
    // Windows opens no directory, and some file systems sync none: there a name is durable by itself, or nothing can be done for it.
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) as string)) throw error
  }
}
