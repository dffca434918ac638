import crypto from 'hypercore-crypto'
import { badArgument } from '../arguments.ts'
import { S3ArchiverError } from '../errors.ts'
import { contentName, isNamedFor } from '../format/names.ts'
import { SALT_BYTES } from '../format/shard.ts'
import { MAX_OBJECT_BYTES, readObject } from '../read/objects.ts'
import type { Stop } from '../stop.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { UNNAMED_MS } from './ages.ts'
import type { Valve } from './valve.ts'

/** Uploads under way at once: so many objects are in memory, too; and so many bytes, unless one object alone has more. */
const PARALLEL = 4
const BYTES_UNDER_WAY: number = 34 * 1024 * 1024
/** A round that has taken so long comes to its end: else, of a link that is slow enough, all would be too old to be named. */
const LONG_MS: number = 60 * 60 * 1000
/** How often an object is put, before its failure is told. */
const ATTEMPTS = 3

/** Puts objects that are named for their bytes: several at once, and each until it is known to be there. */
export class Uploads {
  readonly #store: ObjectStore
  readonly #valve: Valve
  readonly #now: () => number
  readonly #stop: Stop
  /** Those that are there: what failed later need not be put again. */
  #known = new Set<string>()
  /** For the shards of this archiver: what it uploads again after a failure has the same name. */
  #salt: Uint8Array = crypto.randomBytes(SALT_BYTES)
  #sinceMs: number
  readonly #running = new Set<Promise<void>>()
  #bytes = 0
  #failure: unknown = null
  /** Called when an object has become durable. */
  onStored: (bytes: number) => void = () => {}

  constructor(store: ObjectStore, valve: Valve, stop: Stop, now: () => number) {
    this.#now = now
    this.#sinceMs = now()
    this.#store = store
    this.#valve = valve
    this.#stop = stop
  }

  /** To be asked for once for each object. */
  get salt(): Uint8Array {
    return this.#salt
  }

  /**
   * Begins a round. What was uploaded long ago, and named by no commit, may be gone: it is not relied on.
   *
   * @returns whether what is uploaded from then on can still be named by a commit; and whether it is time for one
   */
  begin(): { isInTime: () => boolean; isLong: () => boolean } {
    const startMs = this.#now()
    if (Math.abs(startMs - this.#sinceMs) > UNNAMED_MS / 2) {
      this.#sinceMs = startMs
      this.#salt = crypto.randomBytes(SALT_BYTES)
      this.#known = new Set()
    }
    return {
      isInTime: () => Math.abs(this.#now() - this.#sinceMs) < UNNAMED_MS,
      isLong: () => Math.abs(this.#now() - startMs) > LONG_MS
    }
  }

  /**
   * Begins to put an object. Waits while too many are under way.
   *
   * @returns its name, before it is there: see {@link done}
   * @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` when it is larger than what is read: the directory of more cores than an archive can have
   */
  async add(kind: 'shard' | 'index', bytes: Uint8Array): Promise<string> {
    if (bytes.byteLength > MAX_OBJECT_BYTES)
      throw badArgument('an archive cannot have so many cores; give some of them another one')
    const name = contentName(kind, bytes)
    const isTooMuch = (): boolean =>
      this.#running.size >= PARALLEL || this.#bytes + bytes.byteLength > BYTES_UNDER_WAY
    while (this.#running.size > 0 && isTooMuch()) await Promise.race(this.#running)
    if (this.#failure !== null || this.#known.has(name)) return name
    const running = this.#put(name, kind, bytes)
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#bytes -= bytes.byteLength
        this.#running.delete(running)
      })
    this.#bytes += bytes.byteLength
    this.#running.add(running)
    return name
  }

  /** Resolves once all that was added is durable. @throws what the store has thrown */
  async done(): Promise<void> {
    await Promise.all(this.#running)
    const failure = this.#failure
    this.#failure = null
    if (failure !== null) throw failure
  }

  async #put(name: string, kind: 'shard' | 'index', bytes: Uint8Array): Promise<void> {
    await this.#valve.pass(bytes.byteLength, this.#stop)
    for (let attempt = 1; ; attempt++) {
      try {
        if (!(await this.#store.putIfAbsent(name, bytes, { signal: this.#stop, kind })))
          await this.#check(name)
        this.#known.add(name)
        this.onStored(bytes.byteLength)
        return
      } catch (error) {
        if (!(error as S3ArchiverError).retryable || attempt >= ATTEMPTS) throw error
      }
    }
  }

  /** Somebody has made it before: it is the same, or the store has kept something else under that name. */
  async #check(name: string): Promise<void> {
    const bytes = await readObject(this.#store, name, { signal: this.#stop })
    if (bytes === null || !isNamedFor(name, bytes))
      throw new S3ArchiverError('S3_ARCHIVER_DAMAGED', 'an object is there that is not what it is named for')
  }
}
