import b4a from 'b4a'
import type { LocalState } from '../hypercore-adapter.ts'

/**
 * Versions that are kept free for what is applied until the view is next written. It is written when 16 MiB of changes of at least 64
 * bytes are waiting; two such lots may be under way.
 */
const VERSIONS_AHEAD = 2 ** 20

/** Notes, outside the view, how far its versions may have gone, so that none ever comes to mean something else. Borrows the state. */
export class VersionNote {
  readonly #local: LocalState

  constructor(local: LocalState) {
    this.#local = local
  }

  /** No version of an earlier build of the view is greater. */
  async read(): Promise<number> {
    const bytes = await this.#local.get('version')
    return bytes === null ? 0 : Number(b4a.toString(bytes))
  }

  /** Keeps versions free from here on. */
  async keepFree(version: number): Promise<void> {
    await this.#write(version + VERSIONS_AHEAD)
  }

  /** Gives back those that were kept free. When that cannot be written, the next open starts beyond them. */
  async giveBack(version: number): Promise<void> {
    await this.#write(version).catch(() => {})
  }

  async #write(version: number): Promise<void> {
    await this.#local.set('version', b4a.from(String(version)))
  }
}
