import { median } from './median.mjs'
import { reached } from './reach.mjs'
import { runChild } from './run-child.mjs'
import { inScratchDirectory } from './scratch.mjs'
import { keysOf, metricName, sizeLabel } from './suite.mjs'

/**
 * @typedef {import('./suite.mjs').Suite} Suite
 * @typedef {import('./suite.mjs').Scenario} Scenario
 * @typedef {import('./suite.mjs').Metric} Metric
 * @typedef {import('./suite.mjs').Size} Size
 * @typedef {import('./options.mjs').Options} Options
 *
 * @typedef {{ lines: import('./suite.mjs').Line[], reach: import('./suite.mjs').Reached[], failures: number }} Outcome
 *
 * @typedef {object} Plan What of a scenario is measured, at one size.
 * @property {Scenario} scenario
 * @property {Size} size
 * @property {number} keys
 * @property {Metric[]} metrics
 * @property {string[]} subjects
 * @property {number} runs
 */

/** @type {Size[]} */
const SIZES = ['small', 'medium', 'large']

/**
 * Measures everything that was asked for. Within a run the subjects take turns, so that a machine that slows down slows all of them.
 *
 * @param {Suite} suite
 * @param {Options} options
 * @returns {Promise<Outcome>}
 */
export async function runSuite(suite, options) {
  checkNames(suite, options)
  /** @type {Outcome} */
  const outcome = { lines: [], reach: [], failures: 0 }
  for (const size of SIZES.slice(0, options.large ? 3 : 2)) {
    for (const scenario of suite.scenarios) {
      const plan = planOf(scenario, size, suite, options)
      if (plan.metrics.length > 0 && plan.subjects.length > 0) await runPlan(plan, options, outcome)
    }
  }
  outcome.reach = reached(suite, outcome.lines, options.keys)
  return outcome
}

/**
 * @param {Scenario} scenario
 * @param {Size} size
 * @param {Suite} suite
 * @param {Options} options
 * @returns {Plan}
 */
function planOf(scenario, size, suite, { keys, only, subjects, large, runs }) {
  const isWanted = (/** @type {Metric} */ metric) =>
    (metric.sizes?.includes(size) ?? true) &&
    (only === null || only.includes(metric.name) || only.includes(metricName(metric, size, keys)))
  const takesPart = (/** @type {string} */ subject) =>
    subjects === null ? large || !suite.optional.includes(subject) : subjects.includes(subject)
  return {
    scenario,
    size,
    keys: keysOf(size, keys),
    metrics: scenario.metrics.filter(isWanted),
    subjects: suite.subjects.filter(
      (name) => takesPart(name) && (scenario.subjects[name]?.includes(size) ?? false)
    ),
    runs
  }
}

/**
 * @param {Plan} plan
 * @param {Options} options
 * @param {Outcome} outcome
 */
async function runPlan(plan, options, outcome) {
  const { scenario, size, keys, metrics, subjects, runs } = plan
  const names = metrics.map(({ name }) => name)
  /** @type {Map<string, Record<string, number>[]>} */
  const results = new Map(subjects.map((subject) => [subject, []]))
  for (let run = 1; run <= runs; run++) {
    for (const subject of rotated(subjects, run - 1)) {
      if (run > 1 && scenario.once?.[subject]?.includes(size)) continue
      const what = `${shortened(names)} · ${sizeLabel(keys)} keys · ${subject} · run ${run} of ${runs}`
      const started = performance.now()
      try {
        results.get(subject)?.push(await measure(scenario, { subject, keys, names }))
        console.error(`${what} · ${((performance.now() - started) / 1000).toFixed(1)} s`)
      } catch (error) {
        outcome.failures++
        console.error(`FAILED ${what}\n${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  for (const metric of metrics) {
    for (const [subject, measured] of results) {
      const values = measured.flatMap((result) => result[metric.name] ?? [])
      if (values.length === 0) continue
      outcome.lines.push({
        subject,
        metric: metricName(metric, size, options.keys),
        unit: metric.unit,
        value: rounded(median(values)),
        runs: values.length,
        keys
      })
    }
  }
}

/**
 * @param {Scenario} scenario
 * @param {{ subject: string, keys: number, names: string[] }} of
 */
function measure({ module, measure }, { subject, keys, names }) {
  return inScratchDirectory((dir) =>
    measure({
      subject,
      keys,
      dir,
      wants: (...metrics) => metrics.some((name) => names.includes(name)),
      step: (step, input = {}) => runChild({ module, step, input: { subject, keys, dir, ...input } })
    })
  )
}

/**
 * @param {Suite} suite
 * @param {Options} options
 */
function checkNames(suite, { only, subjects, keys }) {
  const metrics = suite.scenarios.flatMap((scenario) =>
    scenario.metrics.flatMap((metric) => [
      metric.name,
      ...SIZES.map((size) => metricName(metric, size, keys))
    ])
  )
  const unknown = [
    ...(only ?? []).filter((name) => !metrics.includes(name)),
    ...(subjects ?? []).filter((name) => !suite.subjects.includes(name))
  ]
  if (unknown.length === 0) return
  const known = suite.scenarios.flatMap((scenario) => scenario.metrics.map(({ name }) => name))
  console.error(
    `Unknown: ${unknown.join(', ')}\nmetrics: ${known.join(', ')}\nsubjects: ${suite.subjects.join(', ')}`
  )
  process.exit(2)
}

/** @param {string[]} names */
function shortened(names) {
  const [first, ...others] = names
  return others.length < 2 ? names.join(', ') : `${first} and ${others.length} more`
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {number} by
 */
function rotated(items, by) {
  const start = by % Math.max(1, items.length)
  return [...items.slice(start), ...items.slice(0, start)]
}

/** Four significant digits: the runs differ by more. @param {number} value */
function rounded(value) {
  return Number(value.toPrecision(4))
}
