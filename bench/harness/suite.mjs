// The shapes a suite is made of.

/**
 * How much data, in multiples of the size a run starts with.
 *
 * @typedef {'small' | 'medium' | 'large'} Size
 *
 * @typedef {object} Metric
 * @property {string} name
 * @property {string} unit
 * @property {Size} [home] the size at which it bears its bare name; `small` when left out
 * @property {boolean} [sized] its name always says how many keys there are
 * @property {Size[]} [sizes] the only sizes at which its scenario measures it
 *
 * @typedef {object} Measuring
 * @property {string} subject
 * @property {number} keys how many entries the database has, or gets
 * @property {string} dir fresh for each measurement; deleted after it
 * @property {(...metrics: string[]) => boolean} wants whether any of these was asked for
 * @property {(step: string, input?: object) => Promise<StepResult>} step runs one of the scenario's steps in a new process
 *
 * @typedef {object} StepResult
 * @property {Record<string, number>} values
 *
 * @typedef {{ subject: string, keys: number, dir: string }} StepInput
 *
 * @typedef {object} Scenario One way to measure, and the metrics that come of it.
 * @property {string} module URL of the file that exports `steps`
 * @property {Metric[]} metrics
 * @property {Record<string, Size[]>} subjects who takes part, and at which sizes
 * @property {Record<string, Size[]>} [once] who takes so long, at these sizes, that one run must do
 * @property {(measuring: Measuring) => Promise<Record<string, number>>} measure
 *
 * @typedef {object} Line One measured figure: the median of its runs.
 * @property {string} subject
 * @property {string} metric
 * @property {string} unit
 * @property {number} value
 * @property {number} runs
 * @property {number} keys
 *
 * @typedef {object} Figure A metric of a subject.
 * @property {string} metric
 * @property {string} subject
 * @property {Size} [size] when left out, the metric's home
 *
 * @typedef {object} Reach What we want to reach: a figure, or its relation to another one, against a bound.
 * @property {Figure} figure
 * @property {Figure} [over] divides it
 * @property {Figure} [minus] is subtracted from it
 * @property {number} [atLeast]
 * @property {number} [atMost]
 *
 * @typedef {object} SummaryRow A row of the short table for a package's README.
 * @property {string} label
 * @property {string[]} metrics names as in a run at the usual sizes; shown in one cell, with slashes between
 *
 * @typedef {object} Summary
 * @property {number[]} keys the sizes its labels speak of
 * @property {string[]} subjects
 * @property {SummaryRow[]} rows
 *
 * @typedef {object} Suite
 * @property {string} name
 * @property {string[]} subjects in the order of the table's columns
 * @property {string[]} optional subjects that are measured only when they are named
 * @property {Scenario[]} scenarios
 * @property {Reach[]} reach
 * @property {Summary} summary
 *
 * @typedef {{ reach: string, target: string, value: number, met: boolean }} Reached
 */

const FACTOR = { small: 1, medium: 10, large: 100 }

/**
 * Entries of a size.
 *
 * @param {Size} size
 * @param {number} smallKeys
 */
export function keysOf(size, smallKeys) {
  return smallKeys * FACTOR[size]
}

/**
 * How a number of keys reads in a name: 10k, 1m.
 *
 * @param {number} keys
 */
export function sizeLabel(keys) {
  if (keys >= 1e6 && keys % 1e6 === 0) return `${keys / 1e6}m`
  if (keys >= 1e3 && keys % 1e3 === 0) return `${keys / 1e3}k`
  return String(keys)
}

/**
 * Name of a metric at a size: the number of keys shows unless the metric is at home there.
 *
 * @param {Metric} metric
 * @param {Size} size
 * @param {number} smallKeys
 */
export function metricName({ name, home = 'small', sized = false }, size, smallKeys) {
  return sized || size !== home ? `${name}-${sizeLabel(keysOf(size, smallKeys))}` : name
}
