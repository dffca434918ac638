import { ByteRate } from './byte-rate.ts'
import type { FleetHost, FleetOptions } from './fleet-options.ts'
import { type Heartbeat, HeartbeatSource } from './heartbeat.ts'
import { loadOf } from './load.ts'

/** What a relay says of itself: its load, and whether it drains. */
export class OwnBeats {
  readonly intervalMs: number
  readonly #capacity: NonNullable<FleetOptions['capacity']>
  readonly #host: FleetHost
  readonly #source: HeartbeatSource
  readonly #rate: ByteRate
  #bytesPerSecond = 0
  #draining = false

  /** @throws RelayError `RELAY_BAD_ARGUMENT` */
  constructor({ owner, epoch, leastEpoch, intervalMs, capacity = {} }: FleetOptions, host: FleetHost) {
    this.#source = new HeartbeatSource(owner, host.keyPair, {
      ...(epoch === undefined ? {} : { epoch }),
      ...(leastEpoch === undefined ? {} : { leastEpoch }),
      ...(intervalMs === undefined ? {} : { intervalMs })
    })
    this.intervalMs = this.#source.intervalMs
    this.#capacity = capacity
    this.#host = host
    this.#rate = new ByteRate(host.now())
  }

  get draining(): boolean {
    return this.#draining
  }

  get load(): number {
    const { connections = this.#host.maxConnections, bytesPerSecond = Number.POSITIVE_INFINITY } =
      this.#capacity
    return loadOf({
      sessions: this.#host.connections(),
      maxSessions: connections,
      bytesPerSecond: this.#bytesPerSecond,
      maxBytesPerSecond: bytesPerSecond
    })
  }

  drain(): void {
    this.#draining = true
  }

  /** Bytes were carried. */
  carried(bytes: number): void {
    this.#rate.add(bytes)
  }

  /** An interval is over. */
  measure(): void {
    this.#bytesPerSecond = this.#rate.sample(this.#host.now())
  }

  /** The next one, signed. */
  next(): Heartbeat {
    return this.#source.next({ load: this.load, draining: this.#draining })
  }
}
