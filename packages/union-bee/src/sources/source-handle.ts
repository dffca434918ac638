import { UnionBeeError } from '../errors.ts'
import { type Bounds, boundsOf, intersection, isWithin, rangeOf, withoutPrefix } from '../keys/bounds.ts'
import type { Keys } from '../keys/keys.ts'
import { tombstoneEncoding } from '../layers/tombstone-encoding.ts'
import type {
  Answer,
  BeeLike,
  Entry,
  Key,
  KeyFilter,
  Policy,
  Skipped,
  Source,
  SourceInfo,
  SourceReadOptions,
  SourceStatus,
  TimerLike
} from '../types.ts'
import { type RangeIterator, rangeIterator } from './hyperbee-adapter.ts'
import { patience, type Patience, waitFor } from './patience.ts'

/** A union among the sources, which also says what it left out. */
interface UnionLike<K, V> extends BeeLike<K, V> {
  lookup(key: K): Promise<Answer<K, V>>
}

const EVERYWHERE = { lower: null, upper: null }

/** What a union gives every source that does not say otherwise. */
export interface SourceDefaults<K extends Key> {
  readonly keys: Keys<K>
  readonly keyEncoding: 'utf-8' | 'binary'
  readonly policy: Policy
  readonly timeoutMs: number | undefined
  readonly timer: TimerLike | undefined
}

/** What a handle of a snapshot knows of the source that was pinned. */
export interface Pinned {
  origin?: unknown
  isConstant?: boolean
}

/** One source at run time: opens it when it is needed, maps keys, counts. Closes the bee only if it has opened it. */
export class SourceHandle<K extends Key, V> implements SourceInfo {
  readonly name: string
  readonly cost: number
  readonly policy: Policy
  readonly immutable: boolean
  readonly isLayer: boolean
  readonly prefix: K | null
  /** How it was given. */
  readonly source: Source<K, V>
  /** The same for a source and its pins. */
  readonly origin: unknown
  /** Whether all pins of it are the same: the source itself never changes. */
  readonly isConstant: boolean
  readonly defaults: SourceDefaults<K>
  readonly patience: Patience
  readonly readOptions: SourceReadOptions | undefined
  readonly #bounds: Bounds<K>
  readonly #filter: KeyFilter<K> | null
  readonly #counts = { asked: 0, answered: 0, avoided: 0, failed: 0 }
  #bee: BeeLike<K, V> | null = null
  #opening: Promise<BeeLike<K, V>> | null = null
  #users = 0
  #retired: (() => void) | null = null

  constructor(
    source: Source<K, V>,
    name: string,
    defaults: SourceDefaults<K>,
    { origin = source.bee, isConstant = source.immutable ?? false }: Pinned = {}
  ) {
    const { bee, prefix, range, filter, cost = 0, immutable = false, layer } = source
    checkSource(source, name)
    this.name = name
    this.cost = cost
    this.immutable = immutable
    this.isLayer = layer !== undefined
    this.policy = source.policy ?? defaults.policy
    this.prefix = prefix === undefined || prefix.length === 0 ? null : defaults.keys.check(prefix)
    this.source = source
    this.origin = origin
    this.isConstant = isConstant
    this.defaults = defaults
    this.patience = patience(source.timeoutMs ?? defaults.timeoutMs, defaults.timer, () => this.#timeout())
    this.readOptions = layer === undefined ? undefined : { valueEncoding: tombstoneEncoding(layer) }
    this.#bounds = range === undefined ? EVERYWHERE : boundsOf(range, defaults.keys)
    this.#filter = filter ?? null
    if (typeof bee !== 'function') this.#bee = bee
  }

  /** The bee, unless it must still be opened. */
  get openedBee(): BeeLike<K, V> | null {
    return this.#bee
  }

  /** Whether a scan waits with it until its range is reached. */
  get isDeferred(): boolean {
    return this.cost > 0 || this.#bee === null
  }

  get status(): SourceStatus {
    return { name: this.name, cost: this.cost, opened: this.#bee !== null, ...this.#counts }
  }

  /** The key as the source has it; `null` when it cannot have it. */
  innerKey(key: K): K | null {
    const { keys } = this.defaults
    let inner: K | null = key
    if (this.prefix !== null)
      inner = keys.startsWith(key, this.prefix) ? keys.cut(key, this.prefix.length) : null
    if (inner !== null && this.#bounds !== EVERYWHERE && !isWithin(inner, this.#bounds, keys)) inner = null
    if (inner !== null && this.#filter !== null && !this.#filter.has(inner)) inner = null
    if (inner === null) this.#counts.avoided++
    return inner
  }

  /** The part of a range that the source can have, with keys as it has them; `null` when none. */
  innerBounds(bounds: Bounds<K>): Bounds<K> | null {
    const { keys } = this.defaults
    const mapped = this.prefix === null ? bounds : withoutPrefix(bounds, this.prefix, keys)
    const inner = mapped && intersection(mapped, this.#bounds, keys)
    if (inner === null) this.#counts.avoided++
    return inner
  }

  /** The entry as the union shows it. @throws UnionBeeError `UNION_BEE_BAD_KEY_ENCODING` */
  outerEntry(entry: Entry<K, V>): Entry<K, V> {
    if (!this.defaults.keys.isKey(entry.key)) throw this.#badEncoding()
    if (this.prefix === null) return entry
    return { ...entry, key: this.defaults.keys.join(this.prefix, entry.key) }
  }

  outerKey(inner: K): K {
    return this.prefix === null ? inner : this.defaults.keys.join(this.prefix, inner)
  }

  /**
   * Looks up a key as the source has it.
   *
   * @param nested - what a union among the sources was left without is added to it
   * @throws what the source throws; see {@link failure}
   */
  async get(inner: K, nested: Skipped[]): Promise<Entry<K, V> | null> {
    this.#counts.asked++
    const bee = this.#bee ?? (await this.open())
    const work = isUnion(bee) ? this.#lookup(bee, inner, nested) : bee.get(inner, this.readOptions)
    const entry = await (this.patience.timeoutMs === null ? work : waitFor(work, this.patience))
    if (entry === null) return null
    this.#counts.answered++
    const { keys } = this.defaults
    if (entry.key !== inner && (!keys.isKey(entry.key) || keys.compare(entry.key, inner) !== 0))
      throw this.#badEncoding()
    return this.prefix === null ? entry : this.outerEntry(entry)
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

  /** Opens the bee if it is not; a failed opening is tried again at the next need. */
  open(): Promise<BeeLike<K, V>> {
    if (this.#bee !== null) return Promise.resolve(this.#bee)
    this.#opening ??= this.#open().finally(() => (this.#opening = null))
    return waitFor(this.#opening, this.patience)
  }

  /** What went wrong, as this package tells it. Counts it. */
  failure(cause: unknown): UnionBeeError {
    this.#counts.failed++
    if (cause instanceof UnionBeeError && cause.source === this.name) return cause
    const message = `the source ${this.name} could not be read`
    return new UnionBeeError('UNION_BEE_SOURCE_FAILED', message, { cause, source: this.name })
  }

  /** Keeps a bee that the union has opened open while something reads it. */
  use(): void {
    this.#users++
  }

  release(): void {
    this.#users--
    if (this.#users === 0) this.#retired?.()
  }

  /** Closes the bee if the union has opened it, once nobody reads it any more. */
  async retire(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#retired = resolve))
    await this.#opening?.catch(() => {})
    if (typeof this.source.bee === 'function') await this.#bee?.close?.()
  }

  async #lookup(union: UnionLike<K, V>, inner: K, nested: Skipped[]): Promise<Entry<K, V> | null> {
    const { entry, skipped } = await union.lookup(inner)
    for (const { source, cause } of skipped) nested.push({ source: `${this.name}/${source}`, cause })
    return entry
  }

  async #open(): Promise<BeeLike<K, V>> {
    const { bee } = this.source
    const opened = typeof bee === 'function' ? await bee() : bee
    return (this.#bee = opened)
  }

  #timeout(): UnionBeeError {
    const message = `the source ${this.name} was silent for ${this.patience.timeoutMs} ms`
    return new UnionBeeError('UNION_BEE_SOURCE_TIMEOUT', message, { source: this.name })
  }

  #badEncoding(): UnionBeeError {
    const message = `the source ${this.name} does not have ${this.defaults.keyEncoding} keys`
    return new UnionBeeError('UNION_BEE_BAD_KEY_ENCODING', message, { source: this.name })
  }
}

function checkSource<K, V>({ bee, cost = 0, timeoutMs = 0 }: Source<K, V>, name: string): void {
  const isBee =
    typeof bee === 'function' ||
    (typeof bee === 'object' &&
      bee !== null &&
      typeof bee.get === 'function' &&
      typeof bee.createReadStream === 'function')
  if (!isBee)
    throw new UnionBeeError(
      'UNION_BEE_BAD_ARGUMENT',
      `the source ${name} is no bee: get and createReadStream are missing`
    )
  if (!(cost >= 0) || !(timeoutMs >= 0))
    throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', '`cost` and `timeoutMs` are numbers, 0 or more')
}

function isUnion<K, V>(bee: BeeLike<K, V>): bee is UnionLike<K, V> {
  return 'lookup' in bee
}
