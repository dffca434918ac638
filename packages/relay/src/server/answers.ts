import type { RelayPolicy } from '../policy/relay-policy.ts'
import type { ReplicaStatus } from '../replicas/replica-view.ts'
import type { UdpStats } from '../udp/udp-plane.ts'
import type { RelayMetrics } from './metrics.ts'
import { statusPage } from './status-page.ts'
import type { Throughput } from './throughput.ts'

/** What an HTTP listener answers. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** What is told of a relay. */
export interface AnsweringRelay {
  readonly policy: RelayPolicy
  readonly metrics: RelayMetrics
  readonly healthy: boolean
  readonly connections: number
  readonly registered: number
  readonly sessions: number
  readonly heldBytes: number
  readonly udp: UdpStats | null
  /** The owner's other relays. */
  readonly replicas: readonly ReplicaStatus[]
}

/**
 * What is served to whoever runs a relay: `/metrics` for Prometheus, `/health` for a load balancer, `/status` for people.
 *
 * @param now - milliseconds
 */
export function answersOf(
  relay: AnsweringRelay,
  throughput: Throughput,
  now: () => number
): Readonly<Record<string, () => Promise<Answer>>> {
  const startedAt = now()
  return {
    '/metrics': async () => {
      const { registry } = relay.metrics
      return { status: 200, type: registry.contentType, body: await registry.metrics() }
    },
    '/health': async () => {
      const { healthy, sessions, registered } = relay
      const body = JSON.stringify({ healthy, sessions, registered })
      return { status: healthy ? 200 : 503, type: 'application/json', body }
    },
    '/status': async () => {
      const body = statusPage({
        state: relay.healthy ? 'serving' : 'draining',
        upMs: now() - startedAt,
        counts: countsOf(relay),
        perSecond: throughput.perSecond,
        devices: relay.policy.served,
        replicas: relay.replicas,
        refusals: await refusalsOf(relay)
      })
      return { status: 200, type: 'text/html; charset=utf-8', body }
    }
  }
}

function countsOf(relay: AnsweringRelay): [string, number][] {
  const { udp } = relay
  return [
    ['Connections', relay.connections],
    ['Registered devices', relay.registered],
    ['Sessions', relay.sessions],
    ...(udp === null ? [] : [['Sessions over UDP', udp.links] as [string, number]]),
    ['Bytes that wait for a slower side', relay.heldBytes]
  ]
}

async function refusalsOf({ metrics }: AnsweringRelay): Promise<[string, number][]> {
  const { values } = await metrics.refusals.get()
  return values
    .map(({ labels, value }): [string, number] => [String(labels.code), value])
    .sort(([, a], [, b]) => b - a)
}
