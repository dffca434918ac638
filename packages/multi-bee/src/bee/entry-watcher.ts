import b4a from 'b4a'
import ReadyResource from 'ready-resource'
import type { EncodingOptions, Entry } from '../types.ts'
import type { BeeReader } from './bee-reader.ts'

/** Follows one entry. Emits `update` after {@link node} has changed. Ends with `close()` or the database. */
export class EntryWatcher<K, V> extends ReadyResource {
  /** The entry as it is; `null` when absent. */
  node: Entry<K, V> | null = null
  readonly #bee: BeeReader<K, V>
  readonly #key: K
  readonly #options: EncodingOptions | undefined
  #unlisten: (() => void) | null = null
  #reading: Promise<void> | null = null
  #again = false

  /** @internal */
  constructor(bee: BeeReader<K, V>, key: K, options?: EncodingOptions) {
    super()
    this.#bee = bee
    this.#key = key
    this.#options = options
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    const bytes = this.#bee.keyspace.with(this.#options).encodeKey(this.#key)
    const { changes } = await this.#bee.database()
    this.#unlisten = changes.listen(
      (keys) => {
        if (keys.some((key) => b4a.equals(key, bytes))) this.#refresh()
      },
      () => void this.close()
    )
    try {
      this.node = await this.#bee.get(this.#key, this.#options)
    } catch (error) {
      this.#unlisten()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    this.#unlisten?.()
    await this.#reading
  }

  #refresh(): void {
    this.#again = true
    this.#reading ??= this.#read().finally(() => (this.#reading = null))
  }

  async #read(): Promise<void> {
    while (this.#again && this.closing === null) {
      this.#again = false
      const before = this.node
      // A database that closes meanwhile closes this watcher too.
      const node = await this.#bee.get(this.#key, this.#options).catch(() => before)
      if (node?.seq === before?.seq) continue
      this.node = node
      this.emit('update')
    }
  }
}
