// What we want to reach, as ratios to a plain bee, or drive, with the same data in the same process.

/** @param {string} metric */
const ofPlain = (metric) => ({ figure: { subject: 'union-bee', metric: `${metric}-of-plain` } })

/** @type {import('../harness/suite.mjs').Reach[]} */
export const reach = [
  { ...ofPlain('scan-2'), atLeast: 0.8 },
  { ...ofPlain('scan-8'), atLeast: 0.6 },
  { ...ofPlain('scan-64'), atLeast: 0.4 },
  { ...ofPlain('get-first'), atMost: 1.1 },
  { ...ofPlain('get-second'), atMost: 1.8 },
  { ...ofPlain('get-second-filtered'), atMost: 1.8 },
  { ...ofPlain('put-overlay'), atMost: 1.1 },
  { ...ofPlain('first-entry'), atMost: 2 },
  { figure: { ...ofPlain('first-entry').figure, size: 'large' }, atMost: 2 },
  { ...ofPlain('drive-read'), atLeast: 0.95 }
]
