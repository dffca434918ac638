import { metricName } from './suite.mjs'

/**
 * @typedef {import('./suite.mjs').Suite} Suite
 * @typedef {import('./suite.mjs').Line} Line
 * @typedef {import('./suite.mjs').Figure} Figure
 */

/**
 * Where a run stands against what we want to reach. Only figures of this run count; what it did not measure is left out.
 *
 * @param {Suite} suite
 * @param {readonly Line[]} lines
 * @param {number} smallKeys
 * @returns {import('./suite.mjs').Reached[]}
 */
export function reached(suite, lines, smallKeys) {
  const find = (/** @type {Figure} */ figure) => {
    const name = nameOf(suite, figure, smallKeys)
    return lines.find(({ metric, subject }) => metric === name && subject === figure.subject)
  }
  return suite.reach.flatMap(({ figure, over, minus, atLeast, atMost }) => {
    const other = over ?? minus
    const ours = find(figure)
    const theirs = other && find(other)
    if (ours === undefined || (other !== undefined && theirs === undefined)) return []
    const value = ours.value / (over && theirs ? theirs.value : 1) - (minus && theirs ? theirs.value : 0)
    const unit = over ? ' x' : ` ${ours.unit}`
    const target = atLeast === undefined ? `<= ${atMost}${unit}` : `>= ${atLeast}${unit}`
    const met = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity)
    const relation = theirs === undefined ? '' : ` ${over ? '/' : '-'} ${relative(theirs, ours)}`
    const name = `${ours.subject} ${ours.metric}${relation}`
    return [{ reach: name, target, value: Number(value.toPrecision(3)), met }]
  })
}

/**
 * @param {Suite} suite
 * @param {Figure} figure
 * @param {number} smallKeys
 */
function nameOf({ scenarios }, { metric: name, size }, smallKeys) {
  const metric = scenarios.flatMap(({ metrics }) => metrics).find((metric) => metric.name === name)
  if (metric === undefined) throw new Error(`no metric ${name}`)
  return metricName(metric, size ?? metric.home ?? 'small', smallKeys)
}

/**
 * A figure's name, without what it shares with the one before it.
 *
 * @param {Line} line
 * @param {Line} before
 */
function relative({ subject, metric }, before) {
  if (metric === before.metric) return subject
  return subject === before.subject ? metric : `${subject} ${metric}`
}
