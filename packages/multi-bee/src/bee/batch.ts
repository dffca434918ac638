import b4a from 'b4a'
import type { Base, Write } from '../engine/requests.ts'
import { MultiBeeError } from '../errors.ts'
import type { Keyspace } from '../keyspace.ts'
import type { EncodingOptions, Entry } from '../types.ts'
import { toEntry } from './bee-reader.ts'
import { baseIn } from './entry-base.ts'
import type { OpenDatabase } from './open-database.ts'
import type { DelOptions, PutOptions } from './write-options.ts'

/** What a batch needs of the database it writes to. */
export interface BatchTarget<K, V> {
  readonly keyspace: Keyspace
  database(): Promise<OpenDatabase>
  putWrite(key: K, value: V | undefined, options: PutOptions<K, V>, base: Base | null): Write
  delWrite(key: K, options: DelOptions<K, V>, base: Base | null): Write
}

/**
 * Several writes that become one transaction. Held in memory until `flush`. It blocks nobody: what others, or this device, write between
 * its first operation and its flush is concurrent to it.
 */
export class Batch<K, V> {
  readonly #bee: BatchTarget<K, V>
  readonly #options: EncodingOptions
  readonly #writes: Write[] = []
  readonly #last = new Map<string, Write>()
  #base: Promise<Base> | null = null
  #closed = false

  constructor(bee: BatchTarget<K, V>, options: EncodingOptions = {}) {
    this.#bee = bee
    this.#options = options
  }

  /** As put of the database; also `base`, which defaults to what was shown at the batch's first operation. */
  async put(key: K, value?: V, options: PutOptions<K, V> = {}): Promise<void> {
    this.#guard()
    const write = this.#bee.putWrite(key, value, { ...this.#options, ...options }, baseIn(options))
    const base = await this.#start()
    this.#add({ ...write, base: write.base ?? base })
  }

  async del(key: K, options: DelOptions<K, V> = {}): Promise<void> {
    this.#guard()
    const write = this.#bee.delWrite(key, { ...this.#options, ...options }, baseIn(options))
    const base = await this.#start()
    this.#add({ ...write, base: write.base ?? base })
  }

  /** What the key will show: the batch's own writes, else what was shown at its first operation. */
  async get(key: K, options?: EncodingOptions): Promise<Entry<K, V> | null> {
    this.#guard()
    const keyspace = this.#bee.keyspace.with({ ...this.#options, ...options })
    const bytes = keyspace.encodeKey(key)
    const base = await this.#start()
    const database = await this.#bee.database()
    const own = this.#last.get(b4a.toString(bytes, 'hex'))
    if (own !== undefined) {
      const { intent } = own
      if (intent.type !== 'put') return null
      return toEntry({ key: bytes, version: base.version + 1, value: intent.value }, keyspace, null)
    }
    const shown = await database.view.get(bytes, base.version)
    return shown === null ? null : toEntry(shown, keyspace, base)
  }

  /**
   * Commits the batch; afterwards it is closed.
   *
   * @throws MultiBeeError as put; `MULTI_BEE_TOO_LARGE` beyond 64 MiB; `MULTI_BEE_BATCH_CLOSED`
   */
  async flush(): Promise<void> {
    this.#guard()
    // Puts that nobody has awaited are waiting for the same promise, and go first.
    await this.#base
    this.#guard()
    this.#closed = true
    const { engine } = await this.#bee.database()
    if (this.#writes.length > 0) await engine.submit({ type: 'write', writes: this.#writes, atomic: true })
  }

  /** Drops the batch. */
  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  #add(write: Write): void {
    this.#guard()
    this.#writes.push(write)
    this.#last.set(b4a.toString(write.key, 'hex'), write)
  }

  #start(): Promise<Base> {
    this.#guard()
    this.#base ??= this.#bee.database().then(({ engine }: OpenDatabase) => engine.base)
    return this.#base
  }

  #guard(): void {
    if (this.#closed) throw new MultiBeeError('MULTI_BEE_BATCH_CLOSED', 'the batch was flushed or closed')
  }
}
