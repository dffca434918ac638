import { Counter, Gauge, Registry } from 'prom-client'

/** What the gauges read, at the moment they are asked. */
export interface Readings {
  readonly connections: () => number
  readonly registered: () => number
  readonly sessions: () => number
  readonly heldBytes: () => number
}

/** What a relay counts, for Prometheus. Names no device: keys are not labels. */
export class RelayMetrics {
  readonly registry: Registry = new Registry()
  /** Of all bytes that were passed on, headers of frames included; by plane. */
  readonly relayedBytes: Counter<'plane'>
  /** Refusals, by code. */
  readonly refusals: Counter<'code'>
  /** Sessions that were ever joined, by plane. */
  readonly sessions: Counter<'plane'>

  constructor(readings: Readings) {
    const registers = [this.registry]
    this.relayedBytes = new Counter({
      name: 'cloudpal_relay_bytes_total',
      help: 'Bytes passed on',
      labelNames: ['plane'],
      registers
    })
    this.refusals = new Counter({
      name: 'cloudpal_relay_refusals_total',
      help: 'Refusals by code',
      labelNames: ['code'],
      registers
    })
    this.sessions = new Counter({
      name: 'cloudpal_relay_sessions_total',
      help: 'Sessions joined',
      labelNames: ['plane'],
      registers
    })
    const gauges: [name: string, help: string, read: () => number][] = [
      ['connections', 'Open connections', readings.connections],
      ['registered', 'Registered devices', readings.registered],
      ['sessions', 'Joined sessions', readings.sessions],
      ['held_bytes', 'Bytes that wait for a slower side', readings.heldBytes]
    ]
    for (const [name, help, read] of gauges) this.registry.registerMetric(gauge(name, help, read))
  }
}

function gauge(name: string, help: string, read: () => number): Gauge {
  return new Gauge({
    name: `cloudpal_relay_${name}`,
    help,
    registers: [],
    collect() {
      this.set(read())
    }
  })
}
