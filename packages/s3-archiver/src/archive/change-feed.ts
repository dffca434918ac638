import b4a from 'b4a'
import {
  checkCorestore,
  readableCore,
  storedCores,
  watchCores,
  type CoreWatch,
  type StoredCore
} from '../corestore-adapter.ts'
import { S3ArchiverError } from '../errors.ts'
import { checkUpstream, headOf } from '../hypercore-adapter.ts'
import type { CoreLike, CorestoreLike } from '../types.ts'

/** Where cores come from: some that are open, or all of a Corestore. */
export interface CoreSource {
  cores?: readonly CoreLike[]
  corestore?: CorestoreLike
}

/** What an archive has of a core, as far as it tells whether the core has changed. */
export interface Known {
  fork: number
  length: number
  /** Blocks that the archive lacks. */
  missing: number
}

const EVENTS = ['append', 'truncate', 'download'] as const

/** Which cores have changed. Of a Corestore none is opened for that: only what is open can change. */
export class ChangeFeed {
  readonly #source: CoreSource
  readonly #onchange: () => void
  /** By key in hex. */
  readonly #changed = new Map<string, Uint8Array>()
  readonly #cores = new Map<string, CoreLike>()
  readonly #detach: (() => void)[] = []
  #watch: CoreWatch | null = null

  /** @param onchange - called for each change */
  constructor(source: CoreSource, onchange: () => void) {
    this.#source = source
    this.#onchange = onchange
  }

  /**
   * Begins to listen; then looks what is to be archived.
   *
   * @param knownOf - what the archive has of a core
   */
  async open(knownOf: (key: Uint8Array) => Known | null): Promise<void> {
    // It may have failed before.
    await this.close()
    const { cores = [], corestore } = this.#source
    for (const core of cores) {
      await core.ready()
      checkUpstream(core)
      this.#detach.push(this.#listen(core))
      this.#cores.set(idOf(core), core)
      if (core.key !== null) this.mark(core.key)
    }
    if (corestore === undefined) return
    await corestore.ready()
    checkCorestore(corestore)
    this.#watch = watchCores(corestore, (session) => {
      this.#listen(session)
      // It may have changed before anybody listened.
      const head = headOf(session)
      if (session.key === null || head === null) return
      if (isToBeArchived(head, knownOf(session.key))) this.#note(session.key)
    })
    for await (const stored of storedCores(corestore))
      if (isToBeArchived(stored, knownOf(stored.key))) this.mark(stored.key)
  }

  /** Cores that have changed since they were taken; they count as unchanged from here on. */
  async take(): Promise<Uint8Array[]> {
    await this.#watch?.settled()
    const keys = [...this.#changed.values()]
    this.#changed.clear()
    return keys
  }

  get isEmpty(): boolean {
    return this.#changed.size === 0
  }

  /** Notes that a core has to be looked at. */
  mark(key: Uint8Array): void {
    this.#changed.set(b4a.toString(key, 'hex'), key)
  }

  /** Uses a core that may not be open; `null` when it has gone. @throws S3ArchiverError `S3_ARCHIVER_LOCAL_FAILED` when it cannot be read, and what `use` throws */
  async with<T>(key: Uint8Array, use: (core: CoreLike) => Promise<T>): Promise<T | null> {
    const { corestore } = this.#source
    const core = this.#cores.get(b4a.toString(key, 'hex'))
    try {
      if (core !== undefined || corestore === undefined) return await use(core as CoreLike)
      const readable = await readableCore(corestore, key)
      if (readable === null) return null
      try {
        checkUpstream(readable)
        return await use(readable)
      } finally {
        await readable.close()
      }
    } catch (cause) {
      if (cause instanceof S3ArchiverError) throw cause
      throw new S3ArchiverError('S3_ARCHIVER_LOCAL_FAILED', 'a core could not be read', { cause })
    }
  }

  async close(): Promise<void> {
    for (const detach of this.#detach.splice(0)) detach()
    await this.#watch?.close()
  }

  #note(key: Uint8Array): void {
    this.mark(key)
    this.#onchange()
  }

  #listen(core: CoreLike): () => void {
    const onchange = (): void => {
      if (core.key !== null) this.#note(core.key)
    }
    for (const event of EVENTS) core.on(event, onchange)
    return () => {
      for (const event of EVENTS) core.off(event, onchange)
    }
  }
}

function isToBeArchived({ fork, length }: Pick<StoredCore, 'fork' | 'length'>, known: Known | null): boolean {
  if (known === null || known.missing > 0) return true
  return fork !== known.fork || length !== known.length
}

function idOf({ key }: CoreLike): string {
  return key === null ? '' : b4a.toString(key, 'hex')
}
