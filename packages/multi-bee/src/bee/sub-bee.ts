import b4a from 'b4a'
import { MultiBeeError } from '../errors.ts'
import type { Keyspace } from '../keyspace.ts'
import type { EncodingOptions } from '../types.ts'
import { BeeEditor } from './bee-editor.ts'
import type { ReadPoint } from './bee-reader.ts'
import type { OpenDatabase } from './open-database.ts'

export interface SubOptions extends EncodingOptions {
  /** Stands between prefix and key. @defaultValue one zero byte */
  sep?: string | Uint8Array
}

/** A part of a database, under a prefix. Borrows the database; closing it closes nothing else. */
export class SubBee<K, V> extends BeeEditor<K, V> {
  readonly #parent: BeeEditor<never, never>

  /** @internal */
  constructor(parent: BeeEditor<never, never>, keyspace: Keyspace) {
    super(keyspace, parent.updates)
    this.#parent = parent
  }

  /** A part of this part. */
  sub<SK = K, SV = V>(prefix: string | Uint8Array, options: SubOptions = {}): SubBee<SK, SV> {
    return new SubBee<SK, SV>(this.#parent, subKeyspace(this.keyspace, prefix, options))
  }

  /** @internal */
  openedDatabase(): OpenDatabase | null {
    return this.closing === null ? this.#parent.openedDatabase() : null
  }

  /** @internal */
  async database(): Promise<OpenDatabase> {
    if (this.closing !== null)
      throw new MultiBeeError('MULTI_BEE_CLOSED', 'this part of the database is closed')
    return this.#parent.database()
  }

  /** @internal */
  readPoint(database: OpenDatabase): ReadPoint {
    return this.#parent.readPoint(database)
  }

  protected override async _open(): Promise<void> {
    await this.#parent.ready()
  }
}

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` */
export function subKeyspace(
  keyspace: Keyspace,
  prefix: string | Uint8Array,
  { sep = b4a.alloc(1), ...encodings }: SubOptions
): Keyspace {
  return keyspace.sub(prefix, sep, encodings)
}
