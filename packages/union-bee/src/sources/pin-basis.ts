import { type Basis, closedError, closeReaders, stopReading, type UnionCore } from '../union-core.ts'
import type { Key } from '../types.ts'
import { canPinNow, openAll, pinAll, type Pins } from './pin.ts'
import { Waits } from './patience.ts'

/** A pin of what another basis is of. Made at once if all sources are open, otherwise when it is first needed. */
export class PinBasis<K extends Key, V> implements Basis<K, V> {
  readonly core: UnionCore<K, V>
  readonly #of: Basis<K, V>
  readonly #waits = new Waits()
  #pins: Pins<K, V> | null = null
  #making: Promise<void> | null = null
  isReady = false

  /** @throws UnionBeeError `UNION_BEE_UNSUPPORTED` */
  constructor(of: Basis<K, V>) {
    this.#of = of
    this.core = { ...of.core, streams: new Set(), watchers: new Set(), closed: false }
    if (!of.isReady || !canPinNow(of.core.sources)) return
    this.#use(pinAll(of.core.sources))
    this.isReady = true
  }

  /** @throws UnionBeeError `UNION_BEE_UNSUPPORTED`, `UNION_BEE_CLOSED`, and as the sources' policies say */
  ready(): Promise<void> {
    this.#making ??= this.isReady ? Promise.resolve() : this.#waits.wait(this.#make())
    return this.#making
  }

  /** Refuses reads, and ends the waits of those under way. */
  stop(): void {
    this.#waits.stop(closedError())
    // Before it is made it has the sources of another.
    if (this.#pins === null) this.core.closed = true
    else stopReading(this.core)
  }

  async close(): Promise<void> {
    this.stop()
    await closeReaders(this.core)
    await this.#pins?.close()
  }

  async #make(): Promise<void> {
    await this.#of.ready()
    const { sources } = this.#of.core
    const pins = await openAll(sources, (failures) => pinAll(sources, failures))
    if (this.core.closed) return pins.close()
    this.#use(pins)
    await pins.ready()
    this.isReady = true
  }

  #use(pins: Pins<K, V>): void {
    this.#pins = pins
    this.core.sources = pins.sources
  }
}
