import b4a from 'b4a'
import ReadyResource from 'ready-resource'
import { MultiBeeError } from '../errors.ts'
import { isNull } from '../keyspace.ts'
import type { Value } from '../merge/transaction.ts'
import { differences } from './differences.ts'
import type { OpenDatabase } from './open-database.ts'
import type { BeeReader } from './bee-reader.ts'

/** Entries written to the bee in one batch. */
const BATCH_ENTRIES = 2000

const BINARY = { keyEncoding: 'binary', valueEncoding: 'binary' }

/** The part of a Hyperbee a mirror uses. */
export interface MirrorBee {
  ready(): Promise<void>
  readonly version: number
  readonly writable: boolean
  createReadStream(range: never, options?: never): AsyncIterable<unknown>
  batch(options?: never): unknown
}

interface RawBee {
  ready(): Promise<void>
  readonly version: number
  createReadStream(range: object, options: object): AsyncIterable<BeeBytes>
  batch(options: object): RawBatch
}

interface RawBatch {
  put(key: Uint8Array, value: Uint8Array | null): Promise<void>
  del(key: Uint8Array): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

export interface MirrorOptions {
  /** Keep following the database. @defaultValue true */
  live?: boolean
}

/**
 * Keeps an ordinary Hyperbee equal to what a database shows: the same keys and values as bytes, written in sorted batches.
 * Borrows both; nobody else may write to the bee meanwhile. Emits `update` after the bee has changed.
 */
export class Mirror extends ReadyResource {
  /** Version of the database that the bee shows; -1 before the first. */
  version = -1
  readonly #source: BeeReader<never, never>
  readonly #bee: RawBee
  readonly #live: boolean
  /** Version of the bee when this mirror last wrote to it. */
  #beeVersion = -1
  #working: Promise<void> | null = null
  #again = false
  #unlisten: (() => void) | null = null
  #failure: unknown = null

  /** @internal */
  constructor(source: BeeReader<never, never>, bee: MirrorBee, { live = true }: MirrorOptions = {}) {
    super()
    if (!bee.writable)
      throw new MultiBeeError(
        'MULTI_BEE_BAD_ARGUMENT',
        'a mirror writes to the bee, and this one is not writable; await bee.ready() first'
      )
    this.#source = source
    this.#bee = bee as unknown as RawBee
    this.#live = live
  }

  /**
   * Resolves when the bee shows what the database shows now. Cost: the entries of the database and of the bee once, if the bee was
   * written by somebody else or this is the first time; else what has changed.
   *
   * @throws MultiBeeError `MULTI_BEE_CLOSED`; what reading the database or writing the bee throws
   */
  async flush(): Promise<void> {
    if (this.closing !== null) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the mirror is closed')
    this.#again = true
    while (this.#again || this.#working !== null) {
      this.#working ??= this.#work().finally(() => (this.#working = null))
      await this.#working
    }
    if (this.#failure === null) return
    const failure = this.#failure
    this.#failure = null
    throw failure
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override async _open(): Promise<void> {
    await this.#bee.ready()
    const { changes } = await this.#source.database()
    if (this.#live) {
      this.#unlisten = changes.listen(
        () => {
          this.#again = true
          this.#working ??= this.#work().finally(() => (this.#working = null))
        },
        () => void this.close()
      )
    }
    await this.flush()
  }

  protected override async _close(): Promise<void> {
    this.#unlisten?.()
    this.#again = false
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#again) {
      this.#again = false
      try {
        await this.#sync(await this.#source.database())
      } catch (error) {
        if (this.closing === null) this.#failure = error
        return
      }
    }
  }

  async #sync({ engine, view }: OpenDatabase): Promise<void> {
    const { version } = engine.base
    if (version === this.version && this.#bee.version === this.#beeVersion) return
    const range = this.#source.keyspace.encodeRange({})
    const shown = view.entries(range, version, false)
    const known = this.version >= 0 && this.#bee.version === this.#beeVersion
    const changed = known
      ? differences(shown, view.entries(range, this.version, false), (a, b) => a.version === b.version)
      : this.#compared(shown)
    let batch = this.#bee.batch(BINARY)
    let count = 0
    let wrote = false
    try {
      for await (const { left, right } of changed) {
        if (left !== null) await batch.put(left.key, bytesOf(left.value))
        else if (right !== null) await batch.del(right.key)
        wrote = true
        if (++count < BATCH_ENTRIES) continue
        await batch.flush()
        batch = this.#bee.batch(BINARY)
        count = 0
      }
      if (count > 0) await batch.flush()
    } finally {
      // Frees the bee's write lock when something failed on the way.
      await batch.close()
    }
    this.version = version
    this.#beeVersion = this.#bee.version
    if (wrote) this.emit('update')
  }

  /** What the database shows against what the bee holds. */
  #compared(
    shown: ReturnType<OpenDatabase['view']['entries']>
  ): ReturnType<typeof differences<ShownBytes, BeeBytes>> {
    const held = this.#bee.createReadStream({}, BINARY)
    return differences<ShownBytes, BeeBytes>(shown, held, (a, b) => isEqual(bytesOf(a.value), b.value))
  }
}

interface ShownBytes {
  key: Uint8Array
  value: Value
}

interface BeeBytes {
  key: Uint8Array
  /** `null` of an entry without a value. */
  value: Uint8Array | null
}

/** A Hyperbee stores no value for `null`, under every encoding. */
function bytesOf(value: Value): Uint8Array | null {
  return isNull(value) ? null : value.bytes
}

function isEqual(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : b4a.equals(a, b)
}
