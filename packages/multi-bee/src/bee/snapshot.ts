import { MultiBeeError } from '../errors.ts'
import type { EncodingOptions } from '../types.ts'
import { BeeReader, checkVersion, type ReadPoint } from './bee-reader.ts'
import type { OpenDatabase } from './open-database.ts'

/** A read-only view of a database at one version. Borrows the database; closing it closes nothing else. */
export class BeeSnapshot<K, V> extends BeeReader<K, V> {
  readonly #bee: BeeReader<K, V>
  readonly #wanted: number | null
  #point: ReadPoint | null = null

  /** @param version - `null` pins what is shown when the snapshot is made, or opened if the database is not open yet */
  constructor(bee: BeeReader<K, V>, version: number | null, options?: EncodingOptions) {
    super(bee.keyspace.with(options))
    this.#bee = bee
    this.#wanted = version
    const open = bee.openedDatabase()
    if (version === null && open !== null) this.readPoint(open)
  }

  /** The version this snapshot reads; 0 before it is known. */
  get version(): number {
    return this.#wanted ?? this.#point?.version ?? 0
  }

  /** @internal */
  openedDatabase(): OpenDatabase | null {
    return this.closing === null ? this.#bee.openedDatabase() : null
  }

  /** @internal */
  async database(): Promise<OpenDatabase> {
    if (this.closing !== null) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the snapshot is closed')
    const database = await this.#bee.database()
    this.readPoint(database)
    return database
  }

  /** @internal */
  readPoint(database: OpenDatabase): ReadPoint {
    if (this.#point !== null) return this.#point
    if (this.#wanted === null) {
      const { base } = database.engine
      return (this.#point = { version: base.version, base })
    }
    checkVersion(this.#wanted, database)
    return (this.#point = { version: this.#wanted, base: null })
  }

  protected override async _open(): Promise<void> {
    await this.database()
  }
}
