import { costs } from './metrics/costs.mjs'

/** @type {import('../harness/suite.mjs').Reach[]} */
const reach = ['secret-share', 'secret-share-chromium'].flatMap((subject) => [
  { figure: { subject, metric: 'split-seal-5' }, atMost: 20 },
  { figure: { subject, metric: 'combine-3' }, atMost: 5 },
  { figure: { subject, metric: 'verify' }, atMost: 1 }
])

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 'secret-share',
  subjects: ['secret-share', 'secret-share-chromium', 'shamir-secret-sharing'],
  // Needs Chromium.
  optional: ['secret-share-chromium'],
  scenarios: [costs],
  reach,
  summary: {
    keys: [10_000],
    subjects: ['secret-share', 'secret-share-chromium', 'shamir-secret-sharing'],
    rows: [
      { label: 'split and seal for 5 holders, ms', metrics: ['split-seal-5'] },
      { label: '– without sealing, ms', metrics: ['split-5'] },
      { label: 'combine 3 shares, ms', metrics: ['combine-3'] },
      { label: 'check a share, ms', metrics: ['verify'] }
    ]
  }
}
