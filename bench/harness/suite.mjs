// The shapes a suite is made of.

/**
 * @typedef {object} Metric
 * @property {string} name
 * @property {string} unit
 * @property {boolean} [sized] its name always says how many keys there are
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
 * @property {number} peakBytes most memory that process ever had (resident set)
 *
 * @typedef {{ subject: string, keys: number, dir: string }} StepInput
 *
 * @typedef {object} Scenario One way to measure, and the metrics that come of it.
 * @property {string} module URL of the file that exports `steps`
 * @property {Metric[]} metrics
 * @property {Record<string, number>} subjects who takes part, and up to how many keys
 * @property {string[]} [once] who takes so long that one run must do
 * @property {(measuring: Measuring) => Promise<Record<string, number>>} measure
 *
 * @typedef {object} Line One measured figure: the median of its runs.
 * @property {string} metric
 * @property {string} subject
 * @property {number} keys
 * @property {string} unit
 * @property {number} value
 * @property {number} runs
 *
 * @typedef {object} Figure A metric of a subject, at a number of keys.
 * @property {string} metric
 * @property {string} subject
 * @property {number} [keys] the size the suite starts with, when left out
 *
 * @typedef {object} Reach What we want to reach: a figure, or its relation to another one, against a bound.
 * @property {Figure} figure
 * @property {Figure} [over] divides it
 * @property {Figure} [minus] is subtracted from it
 * @property {number} [atLeast]
 * @property {number} [atMost]
 *
 * @typedef {object} Suite
 * @property {string} name
 * @property {string[]} subjects in the order of the table's columns
 * @property {Scenario[]} scenarios
 * @property {Reach[]} reach
 *
 * @typedef {{ reach: string, target: string, value: number, met: boolean }} Reached
 */

/** How a number of keys reads in a name: 10k, 1m. */
/** @param {number} keys */
export function sizeLabel(keys) {
  if (keys >= 1e6 && keys % 1e6 === 0) return `${keys / 1e6}m`
  if (keys >= 1e3 && keys % 1e3 === 0) return `${keys / 1e3}k`
  return String(keys)
}

/**
 * Name of a metric at a size: the size shows unless it is the one the suite starts with.
 *
 * @param {Metric} metric
 * @param {number} keys
 * @param {number} baseKeys
 */
export function metricName({ name, sized = false }, keys, baseKeys) {
  return sized || keys !== baseKeys ? `${name}-${sizeLabel(keys)}` : name
}
