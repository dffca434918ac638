// What we want to reach, as ratios within one run.

/**
 * @typedef {import('../harness/suite.mjs').Figure} Figure
 * @typedef {import('../harness/suite.mjs').Size} Size
 * @typedef {import('../harness/suite.mjs').Reach} Reach
 */

/**
 * Figure of a subject; a size stands only where it is not the metric's own.
 *
 * @param {string} subject
 * @returns {(metric: string, size?: Size) => Figure}
 */
const of = (subject) => (metric, size) => ({ subject, metric, ...(size && { size }) })

const ours = of('multi-bee')
const hyperbee = of('hyperbee')
const autobase = of('autobase')
const hypercore = of('hypercore')

/**
 * The same metric of ours and of another.
 *
 * @param {(metric: string, size?: Size) => Figure} other
 * @param {string} metric
 * @param {Size} [size]
 */
const beside = (other, metric, size) => ({ figure: ours(metric, size), over: other(metric, size) })

/** How many times as long another one takes. @param {string} metric */
const fasterThanAutobase = (metric) => ({ figure: autobase(metric), over: ours(metric) })

/** @type {Reach[]} */
export const reach = [
  { ...beside(hyperbee, 'put-awaited'), atLeast: 1.2 },
  { ...beside(hyperbee, 'put-awaited', 'medium'), atLeast: 2 },
  { ...beside(autobase, 'put-awaited'), atLeast: 8 },
  { figure: ours('put-inflight-100'), over: hyperbee('put-awaited'), atLeast: 15 },
  { ...beside(hyperbee, 'batch-1000'), atLeast: 20 },
  { ...beside(hyperbee, 'get-p50'), atMost: 0.5 },
  { ...beside(hyperbee, 'get-p50-after-open'), atMost: 0.5 },
  { ...beside(hyperbee, 'scan'), atLeast: 2 },
  { ...beside(hyperbee, 'scan-after-open'), atLeast: 2 },
  { ...beside(hyperbee, 'scan', 'medium'), atLeast: 2 },
  { ...beside(hyperbee, 'scan-after-open', 'medium'), atLeast: 2 },
  { ...fasterThanAutobase('converge-single'), atLeast: 5 },
  { ...fasterThanAutobase('converge-batch'), atLeast: 12 },
  { figure: ours('converge-single'), over: hypercore('replicate-single'), atMost: 1.7 },
  { ...beside(hyperbee, 'settled-bytes'), atMost: 1 },
  { ...beside(hyperbee, 'settled-bytes', 'medium'), atMost: 1 },
  { ...beside(hyperbee, 'settled-bytes-single'), atMost: 1 },
  { figure: ours('cold-open', 'large'), minus: ours('store-open', 'large'), atMost: 40 },
  { figure: ours('batch-1000-after-open'), over: ours('batch-1000-warm'), atMost: 2 },
  { ...beside(hypercore, 'join'), atMost: 1.7 },
  { ...beside(hypercore, 'join-batch'), atMost: 1.7 },
  { figure: ours('wire-one-field'), atMost: 2048 },
  { figure: ours('idle-reconnect'), atMost: 4096 },
  { ...fasterThanAutobase('merge-object'), atLeast: 20 },
  { figure: ours('load', 'large'), atLeast: 30_000 },
  { figure: ours('peak-memory', 'large'), atMost: 400 }
]
