import { UnionBeeError } from '../errors.ts'
import { type Bounds, rangeOf } from '../keys/bounds.ts'
import type { Keys } from '../keys/keys.ts'
import { tombstoneEncoding } from '../layers/tombstone-encoding.ts'
import { skippedWithin } from '../partial.ts'
import type {
  BeeLike,
  Entry,
  Key,
  Policy,
  Source,
  SourceInfo,
  SourceReadOptions,
  SourceStatus,
  TimerLike
} from '../types.ts'
import { checkSource } from './check-source.ts'
import { type RangeIterator, rangeIterator } from './hyperbee-adapter.ts'
import { KeyMap } from './key-map.ts'
import { isUnion, type Trace, type UnionLike } from './nested.ts'
import type { Waits } from './patience.ts'
import { SourceLifetime } from './source-lifetime.ts'

/** What a union gives every source that does not say otherwise. */
export interface SourceDefaults<K extends Key> {
  readonly keys: Keys<K>
  readonly keyEncoding: 'utf-8' | 'binary'
  readonly policy: Policy
  readonly timeoutMs: number | undefined
  readonly timer: TimerLike | undefined
}

/** What a handle of a snapshot knows of the source that was pinned. */
export interface Pinned<K extends Key, V> {
  /** The one that was pinned. */
  of: SourceHandle<K, V>
  /** All pins of it are the same: the source itself never changes. What is opened is the pinned one's. */
  isConstant: boolean
  /** It could not be opened: reads go on without it, or fail. */
  isBroken?: boolean
}

const origins = new WeakMap<object, number>()
let originCount = 0

/** One source at run time: maps keys, reads, counts. */
export class SourceHandle<K extends Key, V> extends SourceLifetime<K, V> implements SourceInfo {
  readonly cost: number
  readonly policy: Policy
  readonly immutable: boolean
  readonly isLayer: boolean
  readonly pinned: Pinned<K, V> | null
  readonly defaults: SourceDefaults<K>
  readonly readOptions: SourceReadOptions | undefined
  readonly map: KeyMap<K>
  readonly #counts = { asked: 0, answered: 0, avoided: 0, failed: 0 }

  constructor(
    source: Source<K, V>,
    name: string,
    defaults: SourceDefaults<K>,
    pinned: Pinned<K, V> | null = null
  ) {
    const { cost = 0, immutable = false, layer } = source
    checkSource(source, name)
    super(source, name, { timeoutMs: source.timeoutMs ?? defaults.timeoutMs, timer: defaults.timer })
    this.cost = cost
    this.immutable = immutable
    this.isLayer = layer !== undefined
    this.policy = source.policy ?? defaults.policy
    this.pinned = pinned
    this.defaults = defaults
    this.readOptions = layer === undefined ? undefined : { valueEncoding: tombstoneEncoding(layer) }
    this.map = new KeyMap(source, defaults.keys)
  }

  /** Equal for the same bee, and for its pins. A function may open another one the next time: it is the bee that counts. */
  get origin(): string {
    return this.pinned?.of.origin ?? originOf(this.openedBee ?? this.source.bee)
  }

  /** Whether a scan waits with it until its range is reached. */
  get isDeferred(): boolean {
    return this.cost > 0 || this.openedBee === null
  }

  get status(): SourceStatus {
    return { name: this.name, cost: this.cost, opened: this.openedBee !== null, ...this.#counts }
  }

  protected override get ownsBee(): boolean {
    return this.pinned === null
  }

  /** Whether a read goes on without it when it fails. */
  get mayBeSkipped(): boolean {
    return this.policy === 'degrade' && this.stopped === null
  }

  /** Whether the other is the same source, read in the same way. */
  isSameAs(other: SourceHandle<K, V>): boolean {
    const { source } = this
    return this.origin === other.origin && source.layer === other.source.layer && this.map.equals(other.map)
  }

  /** The key as the source has it; `null` when it cannot have it. @throws what the filter throws */
  innerKey(key: K): K | null {
    const inner = this.map.innerKey(key)
    if (inner === null) this.#counts.avoided++
    return inner
  }

  /** The part of a range that the source can have, with keys as it has them; `null` when none. */
  innerBounds(bounds: Bounds<K>): Bounds<K> | null {
    const inner = this.map.innerBounds(bounds)
    if (inner === null) this.#counts.avoided++
    return inner
  }

  /**
   * Looks up a key as the source has it.
   *
   * @param trace - what the entry rests on is added to it
   * @param group - ends the wait, too
   * @throws what the source throws; see {@link failure}
   */
  async get(inner: K, trace: Trace, group: Waits | null = null): Promise<Entry<K, V> | null> {
    this.#counts.asked++
    this.use()
    try {
      const bee = this.openedBee ?? (await this.open(group))
      const { readOptions } = this
      // A copy each: Hyperbee notes in it what it waits for.
      const work = isUnion(bee)
        ? this.#find(bee, inner, trace)
        : bee.get(inner, readOptions && { ...readOptions })
      const entry = await this.wait(work, group)
      if (entry === null) return null
      if (trace.paths.length === 0) trace.paths.push(this.name)
      trace.origin ??= this.origin
      this.#counts.answered++
      const { keys } = this.defaults
      if (entry.key !== inner && (!keys.isKey(entry.key) || keys.compare(entry.key, inner) !== 0))
        throw this.badEncoding()
      return this.map.outerEntry(entry)
    } finally {
      this.release()
    }
  }

  /** Begins a scan of bounds as the source has them. The bee must be open. */
  scan(
    bee: BeeLike<K, V>,
    inner: Bounds<K>,
    reverse: boolean,
    limit: number
  ): AsyncIterable<Entry<K, V>> | RangeIterator<K, V> {
    this.#counts.asked++
    const options = {
      ...this.readOptions,
      ...(reverse && { reverse }),
      ...(limit !== Infinity && { limit })
    }
    const range = rangeOf(inner)
    return rangeIterator(bee, range, options, this.cost === 0) ?? bee.createReadStream(range, options)
  }

  /** Counts entries of a scan. */
  countAnswered(entries: number): void {
    this.#counts.answered += entries
  }

  /** What went wrong, as this package tells it. Counts it. */
  failure(cause: unknown): UnionBeeError {
    this.#counts.failed++
    if (cause instanceof UnionBeeError && (cause.source === this.name || cause === this.stopped)) return cause
    const message = `the source ${this.name} could not be read`
    return new UnionBeeError('UNION_BEE_SOURCE_FAILED', message, { cause, source: this.name })
  }

  badEncoding(): UnionBeeError {
    const message = `the source ${this.name} does not have ${this.defaults.keyEncoding} keys`
    return new UnionBeeError('UNION_BEE_BAD_KEY_ENCODING', message, { source: this.name })
  }

  async #find(union: UnionLike<K, V>, inner: K, trace: Trace): Promise<Entry<K, V> | null> {
    const { entry, skipped, paths, origin } = await union.found(inner)
    trace.skipped.push(...skippedWithin(this.name, skipped))
    trace.paths.push(...paths.map((path) => `${this.name}/${path}`))
    trace.origin = `${this.origin}>${origin}`
    return entry
  }
}

function originOf(bee: object): string {
  const known = origins.get(bee) ?? originCount++
  origins.set(bee, known)
  return `${known}`
}
