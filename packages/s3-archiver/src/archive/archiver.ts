import ReadyResource from 'ready-resource'
import { checkArguments, RULES } from '../arguments.ts'
import { systemClock, type Clock } from '../clock.ts'
import { S3ArchiverError } from '../errors.ts'
import { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { attachFront } from './attach-front.ts'
import { ChangeFeed } from './change-feed.ts'
import { checkOptions, type ArchiverEvents, type ArchiverOptions, type Flushed } from './options.ts'
import type { RoundResult } from './round-result.ts'
import { LOCAL, Round } from './round.ts'
import { Schedule } from './schedule.ts'
import { Valve } from './valve.ts'
import { openWorkshop, settle, type Workshop } from './workshop.ts'

/** Errors after which no retry can help. */
const FINAL: ReadonlySet<string> = new Set([
  'S3_ARCHIVER_ABORTED',
  'S3_ARCHIVER_FENCED',
  'S3_ARCHIVER_HELD',
  'S3_ARCHIVER_NEWER_FORMAT',
  'S3_ARCHIVER_STORE_READ_ONLY'
])

/**
 * Keeps an archive of Hypercores in an object store: uploads what is new, in objects that never change, and then makes a commit that names
 * it. Needs no secret key, and none that decrypts. One archive has one archiver; a second one is refused, or takes over and fences the first.
 *
 * Borrows the cores or the Corestore: they have to stay open until it is closed. Memory: about 50 MiB while it uploads, and 500 bytes for each
 * core of the archive.
 */
export class Archiver extends ReadyResource {
  readonly #store: ObjectStore
  readonly #options: ArchiverOptions
  readonly #clock: Clock
  readonly #stop: Stop
  readonly #valve: Valve
  readonly #schedule: Schedule
  readonly #feed: ChangeFeed
  #shop: Workshop | null = null
  #fenced: S3ArchiverError | null = null
  /** Flushes come one after the other. */
  #running: Promise<unknown> = Promise.resolve()
  readonly #onabort = (): void => void this.close().catch(() => {})

  /** Does nothing yet; `ready` claims the archive, or the first flush does when the store is away then. @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
  constructor(store: ObjectStore, options: ArchiverOptions) {
    super()
    checkOptions(store, options)
    const { clock = systemClock, live = true, debounceMs = 1000, bytesPerSecond = Infinity } = options
    this.#store = store
    this.#options = options
    this.#clock = clock
    this.#stop = new Stop(options.signal)
    this.#valve = new Valve(clock, bytesPerSecond)
    this.#schedule = new Schedule(clock, debounceMs, () => void this.#flushLive())
    this.#feed = new ChangeFeed(options, () => {
      if (live && this.#fenced === null) this.#schedule.request()
    })
    options.signal?.addEventListener('abort', this.#onabort, { once: true })
  }

  /** Whether `pause` was called last. */
  get paused(): boolean {
    return this.#valve.isShut
  }

  /**
   * Archives what the cores hold now. Other than {@link flushed} it does not try again.
   *
   * @returns once it is durable, and known to count; `null` when there was nothing new
   * @throws S3ArchiverError `S3_ARCHIVER_HELD`, `S3_ARCHIVER_FENCED`, `S3_ARCHIVER_LOCAL_DAMAGED`, `S3_ARCHIVER_LOCAL_FAILED` or
   * `S3_ARCHIVER_DAMAGED` of a core, after the others were archived,
   * `S3_ARCHIVER_ABORTED` once it is closed, and what the store throws; nothing is lost, and it may be called again
   */
  async flush(): Promise<Flushed | null> {
    await this.ready()
    return this.#oneAfterTheOther(() => this.#flush())
  }

  /**
   * Resolves once all that the cores held when it was called is durable. Tries again when the store is away, for as long as it takes.
   *
   * @throws S3ArchiverError what {@link flush} does, when that is not retryable
   */
  async flushed(): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await this.flush()
        return
      } catch (error) {
        if (!(error as S3ArchiverError).retryable) throw error
        await this.#stop.wait(this.#clock, Math.min(60_000, 1000 * 2 ** failures))
      }
    }
  }

  /**
   * Adds the front of a core's read pack to the archive.
   *
   * @param front - its bytes, and the names of the pages that it points to, which have to be there
   * @returns the number of the commit that holds it
   * @throws S3ArchiverError `S3_ARCHIVER_NOT_ARCHIVED`, `S3_ARCHIVER_BAD_ARGUMENT`, and what {@link flush} does
   */
  async attachFront(
    key: Uint8Array,
    front: { objects: readonly string[]; bytes: Uint8Array }
  ): Promise<number> {
    checkArguments({ key, front }, { key: RULES.key, front: RULES.front }, ['key', 'front'])
    await this.ready()
    return this.#oneAfterTheOther(async () => {
      const shop = await this.#begun()
      const settled = await settle(shop)
      if (settled !== null) this.#tell(settled)
      return attachFront(shop, key, front)
    })
  }

  /** Uploads nothing until `resume`. What is on its way already comes to its end. */
  pause(): void {
    this.#valve.shut()
  }

  resume(): void {
    this.#valve.open()
  }

  override on<E extends keyof ArchiverEvents>(event: E, listener: (...args: ArchiverEvents[E]) => void): this
  override on(event: string | symbol, listener: (...args: never[]) => void): this
  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    return super.on(event, listener as (...args: unknown[]) => void)
  }

  override once<E extends keyof ArchiverEvents>(
    event: E,
    listener: (...args: ArchiverEvents[E]) => void
  ): this
  override once(event: string | symbol, listener: (...args: never[]) => void): this
  override once(event: string | symbol, listener: (...args: never[]) => void): this {
    return super.once(event, listener as (...args: unknown[]) => void)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  override async _open(): Promise<void> {
    try {
      await this.#begun()
    } catch (error) {
      if ((error as S3ArchiverError).retryable) return this.#failed(error as S3ArchiverError)
      await this.#release()
      throw error
    }
    if (this.#options.live !== false && !this.#feed.isEmpty) this.#schedule.request()
  }

  override async _close(): Promise<void> {
    await this.#release()
    await this.#running
    // The last flush may have been the one that began.
    await this.#feed.close()
  }

  async #release(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onabort)
    this.#stop.abort()
    this.#schedule.stop()
    await this.#feed.close()
  }

  /** It may have been opened while the store was away. */
  async #begun(): Promise<Workshop> {
    if (this.#shop !== null) return this.#shop
    const tools = { store: this.#store, feed: this.#feed, valve: this.#valve, stop: this.#stop }
    const sum = { objects: 0, bytes: 0 }
    const onStored = (bytes: number): void => {
      sum.objects++
      sum.bytes += bytes
      this.emit('progress', { ...sum })
    }
    return (this.#shop = await openWorkshop(tools, this.#options, () => this.#clock.now(), onStored))
  }

  async #oneAfterTheOther<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#running.then(act)
    this.#running = result.catch(() => {})
    return result
  }

  async #flush(): Promise<Flushed | null> {
    if (this.#fenced !== null) throw this.#fenced
    const total: Flushed = { seq: -1, cores: 0, blocks: 0, bytes: 0, missing: 0 }
    let failure: S3ArchiverError | null = null
    const add = (result: RoundResult): void => {
      failure ??= this.#tell(result)
      total.cores += result.cores.length
      total.blocks += result.blocks
      total.bytes += result.bytes
      total.missing += result.gaps.reduce((sum, { blocks }) => sum + blocks, 0)
      total.seq = result.seq ?? total.seq
    }
    let keys: readonly Uint8Array[] = []
    try {
      const shop = await this.#begun()
      const settled = await settle(shop)
      if (settled !== null) add(settled)
      for (keys = await this.#feed.take(); keys.length > 0;) {
        const result = await new Round(shop).run(keys)
        keys = result.left
        add(result)
      }
    } catch (error) {
      for (const key of keys) this.#feed.mark(key)
      throw this.#noted(error as S3ArchiverError)
    }
    if (failure !== null) throw failure
    return total.seq === -1 ? null : total
  }

  /** @returns what was wrong with one of the cores */
  #tell({ seq, cores, blocks, bytes, gaps, failures }: RoundResult): S3ArchiverError | null {
    const missing = gaps.reduce((sum, gap) => sum + gap.blocks, 0)
    if (seq !== null) this.emit('archived', { seq, cores: cores.length, blocks, bytes, missing })
    for (const gap of gaps) this.emit('gap', gap)
    for (const { key, error } of failures) {
      this.#feed.mark(key)
      this.emit('failure', { error, key, retryInMs: null })
    }
    return failures[0]?.error ?? null
  }

  #noted(error: S3ArchiverError): S3ArchiverError {
    if (error.code !== 'S3_ARCHIVER_FENCED' || this.#fenced !== null) return error
    this.#fenced = error
    this.#schedule.stop()
    this.emit('fenced', error)
    return error
  }

  async #flushLive(): Promise<void> {
    if (this.#fenced !== null) return
    try {
      await this.flush()
      this.#schedule.succeeded()
    } catch (error) {
      if (!this.#stop.aborted) this.#failed(error as S3ArchiverError)
    }
  }

  #failed(error: S3ArchiverError): void {
    const isLive = this.#options.live !== false
    const retryInMs = !isLive || FINAL.has(error.code) ? null : this.#schedule.failed(LOCAL.has(error.code))
    this.emit('failure', { error, key: null, retryInMs })
  }
}
