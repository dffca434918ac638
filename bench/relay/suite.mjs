import { carry } from './scenarios/carry.mjs'
import { failover, idleFailover } from './scenarios/failover.mjs'
import { race } from './scenarios/race.mjs'
import { replicas } from './scenarios/replicas.mjs'
import { standing } from './scenarios/standing.mjs'

/** @param {string} subject @param {string} [metric] */
const figure = (subject, metric = 'throughput') => ({ subject, metric })
const subjects = [
  'relay',
  'relay-udp',
  'relay-ws',
  'relay-tcp',
  'blind-relay',
  'dht-relay',
  'direct-udp',
  'ws-noise',
  'ws-noise-native',
  'tcp-noise'
]

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 'relay',
  subjects,
  optional: [],
  scenarios: [carry, race, failover, idleFailover, replicas, standing],
  reach: [
    { figure: figure('relay-udp'), over: figure('blind-relay'), atLeast: 0.95 },
    { figure: figure('relay-udp'), over: figure('direct-udp'), atLeast: 0.7 },
    { figure: figure('relay-udp', 'relay-cpu'), over: figure('blind-relay', 'relay-cpu'), atMost: 1.15 },
    { figure: figure('relay-ws'), over: figure('ws-noise'), atLeast: 0.6 },
    { figure: figure('relay-ws'), over: figure('ws-noise-native'), atLeast: 0.6 },
    { figure: figure('relay-ws'), over: figure('dht-relay'), atLeast: 1.3 },
    { figure: figure('relay', 'idle-1000'), atMost: 60 },
    { figure: figure('relay', 'denial-max'), atMost: 50 },
    { figure: figure('relay', 'stalled-tcp'), atMost: 1 },
    { figure: figure('relay', 'stalled-ws'), atMost: 1 },
    { figure: figure('relay', 'race-over-best'), atMost: 20 },
    { figure: figure('relay', 'race-blocked-over-relay'), atMost: 20 },
    { figure: figure('relay', 'failover-max'), atMost: 3000 },
    { figure: figure('relay', 'failover-dead-addresses-max'), atMost: 3000 },
    { figure: figure('relay', 'failover-idle-max'), atMost: 3000 },
    { figure: figure('relay', 'replicas-gap-max'), atMost: 3000 },
    { figure: figure('relay', 'replicas-failed-by-drain'), atMost: 0 }
  ],
  summary: {
    keys: [10_000],
    subjects: subjects.slice(1),
    rows: [
      { label: '100 MB, MB/s', metrics: ['throughput'] },
      { label: 'open, ms', metrics: ['open-p50'] },
      { label: 'processor of the relay, s/GB', metrics: ['relay-cpu'] }
    ]
  }
}
