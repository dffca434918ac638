import { UnionBeeError } from '../errors.ts'
import type { BeeLike, Source, TimerLike } from '../types.ts'
import { patience, type Patience, Waits } from './patience.ts'

/** How long a source is open, and who waits for it: opened when it is first needed, and closed only if it was opened here. */
export abstract class SourceLifetime<K, V> {
  readonly name: string
  /** How it was given. */
  readonly source: Source<K, V>
  readonly patience: Patience
  readonly #waits = new Waits()
  #bee: BeeLike<K, V> | null = null
  #opening: Promise<BeeLike<K, V>> | null = null
  #users = 0
  #retired: (() => void) | null = null

  constructor(
    source: Source<K, V>,
    name: string,
    { timeoutMs, timer }: { timeoutMs: number | undefined; timer: TimerLike | undefined }
  ) {
    this.name = name
    this.source = source
    this.patience = patience(timeoutMs, timer, () => this.#timeout())
    if (typeof source.bee !== 'function') this.#bee = source.bee
  }

  /** Whether what is opened here is closed here. */
  protected abstract readonly ownsBee: boolean

  /** Why all waits have ended; `null` while they have not. */
  get stopped(): Error | null {
    return this.#waits.reason
  }

  /** The bee, unless it must still be opened. */
  get openedBee(): BeeLike<K, V> | null {
    return this.#bee
  }

  /** Opens the bee if it is not; a failed opening is tried again at the next need. */
  open(group: Waits | null = null): Promise<BeeLike<K, V>> {
    if (this.#bee !== null) return Promise.resolve(this.#bee)
    this.#opening ??= this.#open().finally(() => (this.#opening = null))
    return this.wait(this.#opening, group)
  }

  /** The same, and waits until the bee itself is. */
  async openReady(): Promise<BeeLike<K, V>> {
    const bee = await this.open()
    if (bee.ready !== undefined) await this.wait(bee.ready())
    return bee
  }

  /** Waits for the source as long as it may take, and no longer than the union is open. */
  wait<T>(work: Promise<T>, group: Waits | null = null): Promise<T> {
    return this.#waits.wait(work, this.patience, group)
  }

  /** Keeps a bee that the union has opened open while something reads it. */
  use(): void {
    this.#users++
  }

  release(): void {
    this.#users--
    if (this.#users === 0) this.#retired?.()
  }

  /** Ends all waits for the source, and those to come. */
  stop(reason: Error): void {
    this.#waits.stop(reason)
  }

  /** Closes the bee if the union has opened it, once nobody reads it any more. */
  async retire(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#retired = resolve))
    if (typeof this.source.bee !== 'function' || !this.ownsBee) return
    if (this.#opening === null) await this.#bee?.close?.()
    // It may never come.
    else void this.#opening.then((bee) => bee.close?.()).catch(() => {})
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
}
