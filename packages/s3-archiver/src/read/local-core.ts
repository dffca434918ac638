import { encodeMark, decodeMark, rollback, type HeadMark } from './head-mark.ts'
import { S3ArchiverError } from '../errors.ts'
import type { Stop } from '../stop.ts'
import type { CorestoreLike, SessionLike } from '../types.ts'
import { openTemporaryStore, type TemporaryStore } from './temporary-store.ts'
import { checkWire, sessionOf } from './replication-adapter.ts'

const MARK = 'cloudpal/s3-archiver/mark'

export interface LocalCoreOptions {
  key: Uint8Array
  encryption?: Uint8Array | { key: Uint8Array; block?: boolean }
  corestore?: CorestoreLike
  /** By which the mark of its archive is found among those of others. */
  archive?: string
}

/** A session of a core into which an archive is read, and what it keeps of that. */
export class LocalCore {
  readonly session: SessionLike
  readonly #markName: string
  readonly #temporary: TemporaryStore | null
  /** Ends a wait for a head. */
  #fail: ((error: Error) => void) | null = null

  private constructor(session: SessionLike, markName: string, temporary: TemporaryStore | null) {
    this.session = session
    this.#markName = markName
    this.#temporary = temporary
  }

  /** @param onwait - somebody waits for a block */
  static async open(options: LocalCoreOptions, onwait: (seq: number) => void): Promise<LocalCore> {
    const { key, encryption, corestore, archive } = options
    const temporary = corestore === undefined ? await openTemporaryStore() : null
    const session = sessionOf(corestore ?? (temporary as TemporaryStore).corestore, {
      key,
      ...(encryption === undefined ? {} : { encryption }),
      onwait
    })
    const core = new LocalCore(session, archive === undefined ? MARK : `${MARK}/${archive}`, temporary)
    try {
      await session.ready()
      checkWire(session)
      return core
    } catch (error) {
      await core.close()
      throw error
    }
  }

  /** What was seen of the archive before; `null` for nothing. */
  async mark(): Promise<HeadMark | null> {
    const bytes = await this.session.getUserData(this.#markName)
    return bytes && decodeMark(bytes)
  }

  /** Another reader may have seen more in the meantime: that stays. */
  async setMark(mark: HeadMark): Promise<void> {
    const known = await this.mark()
    if (known === null || known.seq < mark.seq)
      await this.session.setUserData(this.#markName, encodeMark(mark))
  }

  /**
   * Waits until the core is as long as the archive, on its fork.
   *
   * @throws S3ArchiverError `S3_ARCHIVER_ROLLBACK` when it is on a later one, `S3_ARCHIVER_DAMAGED` when Hypercore refuses the head,
   * `S3_ARCHIVER_CLOSED`, `S3_ARCHIVER_ABORTED`; and what it was told with {@link fail}
   */
  async arriveAt({ fork, length }: HeadMark, stop: Stop): Promise<void> {
    const core = this.session
    if (core.fork > fork)
      throw rollback(`fork ${fork} is there, and the Corestore has fork ${core.fork} of the core`)
    let end = (): void => {}
    const arrived = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (core.fork > fork || (core.fork === fork && core.length >= length)) resolve()
      }
      const refuse = (cause: Error): void =>
        reject(new S3ArchiverError('S3_ARCHIVER_DAMAGED', 'Hypercore refuses the archived head', { cause }))
      const ended = (): void => reject(new S3ArchiverError('S3_ARCHIVER_CLOSED', 'the core was closed'))
      core.on('append', look)
      core.on('truncate', look)
      core.on('verification-error', refuse)
      core.on('close', ended)
      this.#fail = reject
      end = () => {
        core.off('append', look)
        core.off('truncate', look)
        core.off('verification-error', refuse)
        core.off('close', ended)
        this.#fail = null
      }
      look()
    })
    try {
      await stop.race(arrived)
    } finally {
      end()
    }
  }

  /** What the core was to be told could not be read. */
  fail(error: Error): void {
    this.#fail?.(error)
  }

  async close(): Promise<void> {
    await this.session.close()
    await this.#temporary?.close()
  }
}
