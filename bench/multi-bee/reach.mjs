// What we want to reach, as ratios within one run.

/** @typedef {import('../harness/suite.mjs').Figure} Figure */

/**
 * @param {string} metric
 * @param {number} [keys]
 * @returns {Figure}
 */
const ours = (metric, keys) => figure('multi-bee', metric, keys)

/**
 * @param {string} subject
 * @param {string} metric
 * @param {number} [keys]
 * @returns {Figure}
 */
const figure = (subject, metric, keys) => ({ subject, metric, ...(keys === undefined ? {} : { keys }) })

const LARGE = 100_000
const HUGE = 1_000_000

/** @type {import('../harness/suite.mjs').Reach[]} */
export const reach = [
  { figure: ours('put-awaited'), over: figure('hyperbee', 'put-awaited'), atLeast: 1.2 },
  { figure: ours('put-awaited', LARGE), over: figure('hyperbee', 'put-awaited', LARGE), atLeast: 2 },
  { figure: ours('put-awaited'), over: figure('autobase', 'put-awaited'), atLeast: 8 },
  { figure: ours('put-inflight-100'), over: figure('hyperbee', 'put-awaited'), atLeast: 15 },
  { figure: ours('batch-1000', LARGE), over: figure('hyperbee', 'batch-1000', LARGE), atLeast: 20 },
  { figure: ours('get-p50', LARGE), over: figure('hyperbee', 'get-p50', LARGE), atMost: 0.5 },
  {
    figure: ours('get-p50-after-open', LARGE),
    over: figure('hyperbee', 'get-p50-after-open', LARGE),
    atMost: 0.5
  },
  { figure: ours('scan'), over: figure('hyperbee', 'scan'), atLeast: 2 },
  { figure: ours('scan-after-open'), over: figure('hyperbee', 'scan-after-open'), atLeast: 2 },
  // Beside the faster of the two ways to run autobase.
  { figure: figure('autobase-big-batches', 'converge-single'), over: ours('converge-single'), atLeast: 5 },
  { figure: figure('autobase-big-batches', 'converge-batch'), over: ours('converge-batch'), atLeast: 12 },
  { figure: ours('converge-single'), over: figure('hypercore', 'replicate-single'), atMost: 1.7 },
  { figure: ours('settled-bytes'), over: figure('hyperbee', 'settled-bytes'), atMost: 1 },
  { figure: ours('settled-bytes-single'), over: figure('hyperbee', 'settled-bytes-single'), atMost: 1 },
  { figure: ours('cold-open', HUGE), minus: figure('hypercore', 'store-open', HUGE), atMost: 40 },
  { figure: ours('batch-1000-after-open'), over: ours('batch-1000-warm'), atMost: 2 },
  { figure: ours('load', HUGE), atLeast: 30_000 },
  { figure: ours('peak-memory', HUGE), atMost: 400 }
]
