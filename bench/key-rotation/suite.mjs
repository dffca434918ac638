import { chains } from './metrics/chains.mjs'
import { connections } from './metrics/connections.mjs'
import { cores } from './metrics/cores.mjs'

const ours = 'key-rotation'

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: ours,
  subjects: [ours, 'ed25519'],
  optional: [],
  scenarios: [chains, cores, connections],
  reach: [
    { figure: { subject: ours, metric: 'verify-1000' }, atMost: 150 },
    { figure: { subject: ours, metric: 'verify-one' }, atMost: 0.5 },
    { figure: { subject: ours, metric: 'event-bytes' }, atMost: 400 },
    { figure: { subject: ours, metric: 'roll-100k' }, atMost: 1000 },
    { figure: { subject: ours, metric: 'roll-100k-proof' }, atMost: 1000 }
  ],
  summary: {
    keys: [10_000],
    subjects: [ours, 'ed25519'],
    rows: [
      { label: '1,000 events verified, ms', metrics: ['verify-1000'] },
      { label: 'one more event, after 1,000, ms', metrics: ['verify-one'] },
      { label: 'an event that revokes a device with one core, bytes', metrics: ['event-bytes'] },
      { label: 'a core of 100,000 blocks goes on, old store at hand, ms', metrics: ['roll-100k'] },
      { label: '– all blocks carried over, ms', metrics: ['carry-100k'] },
      { label: '– from proofs alone, ms', metrics: ['roll-100k-proof'] },
      {
        label: 'a connection opened and authenticated / only opened, ms',
        metrics: ['authenticate', 'connect']
      }
    ]
  }
}
