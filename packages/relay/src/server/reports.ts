import type { Refusal } from '../protocol/refusal.ts'
import type { UdpObserver } from '../udp/udp-observer.ts'
import { type Readings, RelayMetrics } from './metrics.ts'
import { Throughput } from './throughput.ts'

/** Somebody was refused. `device` is `null` before it has proven its key. */
export type Refused = [why: Refusal, device: Uint8Array | null, address: string]

/** Whom a {@link Reports} tells, and by which clock. */
export interface ReportsOptions {
  /** Milliseconds. */
  readonly now: () => number
  readonly onrefused: (...refused: Refused) => void
  /** Of either plane. */
  readonly oncarried: (bytes: number) => void
}

/** What happens at a relay, counted and told on, of both planes. */
export class Reports {
  readonly metrics: RelayMetrics
  readonly throughput: Throughput
  /** What the UDP plane reports. */
  readonly udp: UdpObserver
  readonly #options: ReportsOptions

  constructor(readings: Readings, options: ReportsOptions) {
    this.#options = options
    this.metrics = new RelayMetrics(readings)
    this.throughput = new Throughput(options.now)
    this.udp = {
      refused: (...refused) => this.refused(...refused),
      ignored: ({ code }) => this.metrics.refusals.inc({ code }),
      paired: () => this.joined('udp'),
      carried: (bytes) => this.carried('udp', bytes)
    }
  }

  joined(plane: 'stream' | 'udp'): void {
    this.metrics.sessions.inc({ plane })
  }

  carried(plane: 'stream' | 'udp', bytes: number): void {
    this.metrics.relayedBytes.inc({ plane }, bytes)
    this.throughput.add(bytes)
    this.#options.oncarried(bytes)
  }

  refused(...refused: Refused): void {
    this.metrics.refusals.inc({ code: refused[0].code })
    this.#options.onrefused(...refused)
  }
}
