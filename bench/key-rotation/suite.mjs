import { archives } from './metrics/archives.mjs'
import { chains } from './metrics/chains.mjs'
import { connections } from './metrics/connections.mjs'
import { cores } from './metrics/cores.mjs'
import { revocation } from './metrics/revocation.mjs'

const ours = 'key-rotation'

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: ours,
  subjects: [ours, 'ed25519'],
  optional: [],
  scenarios: [chains, cores, archives, connections, revocation],
  reach: [
    { figure: { subject: ours, metric: 'verify-1000' }, atMost: 150 },
    { figure: { subject: ours, metric: 'verify-one' }, atMost: 0.5 },
    { figure: { subject: ours, metric: 'event-bytes' }, atMost: 400 },
    { figure: { subject: ours, metric: 'roll-100k' }, atMost: 1000 },
    { figure: { subject: ours, metric: 'roll-100k-proof' }, atMost: 1000 },
    { figure: { subject: ours, metric: 'roll-100k-archive' }, atMost: 1000 },
    { figure: { subject: ours, metric: 'revoke-8' }, atMost: 5000 },
    { figure: { subject: ours, metric: 'revoke-8-in-a-row' }, atMost: 5000 }
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
        label: '– from an archive of s3-archiver, in a directory: ms / requests / bytes',
        metrics: ['roll-100k-archive', 'roll-100k-archive-requests', 'roll-100k-archive-bytes']
      },
      {
        label: 'a connection opened and authenticated / only opened, ms',
        metrics: ['authenticate', 'connect']
      },
      {
        label: 'a revoked device closed by the last of 8 connected processes / of 8 in a row, ms',
        metrics: ['revoke-8', 'revoke-8-in-a-row']
      }
    ]
  }
}
