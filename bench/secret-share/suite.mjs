import { costs } from './metrics/costs.mjs'

/** @param {string} metric */
const ours = (metric) => ({ subject: 'secret-share', metric })

/** @type {import('../harness/suite.mjs').Suite} */
export const suite = {
  name: 'secret-share',
  subjects: ['secret-share', 'shamir-secret-sharing'],
  optional: [],
  scenarios: [costs],
  reach: [
    { figure: ours('split-seal-5'), atMost: 20 },
    { figure: ours('combine-3'), atMost: 5 },
    { figure: ours('verify'), atMost: 1 }
  ],
  summary: {
    keys: [10_000],
    subjects: ['secret-share', 'shamir-secret-sharing'],
    rows: [
      { label: 'split and seal for 5 holders, ms', metrics: ['split-seal-5'] },
      { label: '– without sealing, ms', metrics: ['split-5'] },
      { label: 'combine 3 shares, ms', metrics: ['combine-3'] },
      { label: 'check a share, ms', metrics: ['verify'] }
    ]
  }
}
