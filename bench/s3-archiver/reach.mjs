// What we want to reach.

/** @typedef {import('../harness/suite.mjs').Reach} Reach */

const SUBJECTS = ['directory', 'ceph']

/**
 * The same bound of both stores.
 *
 * @param {string} metric
 * @param {Omit<Reach, 'figure'>} bound
 * @param {import('../harness/suite.mjs').Size} [size]
 * @returns {Reach[]}
 */
const both = (metric, bound, size) =>
  SUBJECTS.map((subject) => ({ figure: { subject, metric, ...(size && { size }) }, ...bound }))

/** @type {Reach[]} */
export const reach = [
  ...both('lookup-requests-p50', { atMost: 3 }),
  ...both('lookup-requests-p99', { atMost: 5 }),
  ...both('absent-requests-p50', { atMost: 3 }),
  ...both('lookup-bytes-max', { atMost: 300_000 }),
  ...both('lookup-requests-p50', { atMost: 4 }, 'large'),
  ...both('warm-requests', { atMost: 0 }),
  ...both('range-100-requests-max', { atMost: 6 }),
  { figure: { subject: 'directory', metric: 'unordered-requests-p50' }, atMost: 3 },
  { figure: { subject: 'directory', metric: 'unordered-requests-p99' }, atMost: 5 },
  { figure: { subject: 'directory', metric: 'unordered-range-100-requests-max' }, atMost: 6 },
  { figure: { subject: 'directory', metric: 'lookup-40ms-p50' }, atMost: 200 },
  ...both('rpo', { atMost: 1200 }),
  ...both('overhead-4k', { atMost: 3 }),
  ...both('overhead-200', { atMost: 15 }),
  ...['4k', '200'].map((size) => ({
    figure: { subject: 'directory', metric: `restore-${size}` },
    over: { subject: 'directory', metric: `append-${size}` },
    atLeast: 0.8
  })),
  ...['4k', '200'].map((size) => ({
    figure: { subject: 'directory', metric: `restore-memory-${size}`, size: /** @type {const} */ ('large') },
    atMost: 256
  })),
  { figure: { subject: 'directory', metric: 'churn-pruned' }, atMost: 1.5 },
  ...both('races-wrong', { atMost: 0 }),
  ...both('one-of-1000-requests', { atMost: 3 })
]
