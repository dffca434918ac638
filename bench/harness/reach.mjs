import { metricName } from './suite.mjs'

/**
 * Where a run stands against what we want to reach. Only figures of this run count; what it did not measure is left out.
 *
 * @param {readonly import('./suite.mjs').Reach[]} wanted
 * @param {readonly import('./suite.mjs').Line[]} lines
 * @param {number} baseKeys
 * @returns {import('./suite.mjs').Reached[]}
 */
export function reached(wanted, lines, baseKeys) {
  return wanted.flatMap(({ figure, over, minus, atLeast, atMost }) => {
    const find = (/** @type {import('./suite.mjs').Figure | undefined} */ wanted) =>
      wanted && lines.find((line) => isLine(line, wanted, baseKeys))
    const other = over ?? minus
    const [ours, theirs] = [find(figure), find(other)]
    if (ours === undefined || (other !== undefined && theirs === undefined)) return []
    const value = ours.value / (over && theirs ? theirs.value : 1) - (minus && theirs ? theirs.value : 0)
    const unit = over ? ' x' : ` ${ours.unit}`
    const target = atLeast === undefined ? `<= ${atMost}${unit}` : `>= ${atLeast}${unit}`
    const met = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity)
    const relation = theirs === undefined ? '' : ` ${over ? '/' : '-'} ${nameOf(theirs, ours)}`
    const name = `${ours.subject} ${ours.metric}${relation}`
    return [{ reach: name, target, value: Number(value.toPrecision(3)), met }]
  })
}

/**
 * @param {import('./suite.mjs').Line} line
 * @param {import('./suite.mjs').Figure} figure
 * @param {number} baseKeys
 */
function isLine(line, { metric, subject, keys: wantedKeys }, baseKeys) {
  const keys = wantedKeys ?? baseKeys
  if (line.subject !== subject || line.keys !== keys) return false
  return (
    line.metric === metric ||
    line.metric === metricName({ name: metric, unit: '', sized: true }, keys, baseKeys)
  )
}

/**
 * @param {import('./suite.mjs').Line} theirs
 * @param {import('./suite.mjs').Line} ours
 */
function nameOf({ subject, metric }, ours) {
  if (metric === ours.metric) return subject
  return subject === ours.subject ? metric : `${subject} ${metric}`
}
