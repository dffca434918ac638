import { median } from './median.mjs'
import { reached } from './reach.mjs'
import { runChild } from './run-child.mjs'
import { inScratchDirectory } from './scratch.mjs'
import { metricName, sizeLabel } from './suite.mjs'

/** @typedef {{ lines: import('./suite.mjs').Line[], reach: import('./suite.mjs').Reached[], failures: number }} Outcome */

const LARGE = [100_000, 1_000_000]

/**
 * Measures everything that was asked for. Within a run the subjects take turns, so that a machine that slows down slows all of them.
 *
 * @param {import('./suite.mjs').Suite} suite
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<Outcome>}
 */
export async function runSuite(suite, options) {
  checkNames(suite, options)
  /** @type {Outcome} */
  const outcome = { lines: [], reach: [], failures: 0 }
  const sizes = [...new Set([options.keys, ...(options.large ? LARGE : [])])]
  for (const keys of sizes) {
    for (const scenario of suite.scenarios) await runScenario(scenario, keys, suite, options, outcome)
  }
  outcome.reach = reached(suite.reach, outcome.lines, options.keys)
  return outcome
}

/**
 * @param {import('./suite.mjs').Scenario} scenario
 * @param {number} keys
 * @param {import('./suite.mjs').Suite} suite
 * @param {import('./options.mjs').Options} options
 * @param {Outcome} outcome
 */
async function runScenario(scenario, keys, suite, options, outcome) {
  const isLarge = keys !== options.keys
  const isWanted = (/** @type {import('./suite.mjs').Metric} */ metric) =>
    options.only === null ||
    options.only.includes(metric.name) ||
    options.only.includes(metricName(metric, keys, options.keys))
  const metrics = scenario.metrics.filter(isWanted)
  if (metrics.length === 0) return
  const subjects = suite.subjects.filter(
    (name) =>
      (options.subjects ?? suite.subjects).includes(name) &&
      (isLarge ? (scenario.subjects[name] ?? 0) >= keys : name in scenario.subjects)
  )
  const names = metrics.map(({ name }) => name)
  const results = new Map(subjects.map((subject) => [subject, /** @type {Record<string, number>[]} */ ([])]))
  for (let run = 1; run <= options.runs; run++) {
    for (const subject of rotated(subjects, run - 1)) {
      if (run > 1 && scenario.once?.includes(subject)) continue
      const what = `${shortened(names)} · ${sizeLabel(keys)} keys · ${subject} · run ${run} of ${options.runs}`
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
    for (const [subject, runs] of results) {
      const values = runs.flatMap((result) => result[metric.name] ?? [])
      if (values.length === 0) continue
      const { unit } = metric
      const name = metricName(metric, keys, options.keys)
      outcome.lines.push({
        metric: name,
        subject,
        keys,
        unit,
        value: rounded(median(values)),
        runs: values.length
      })
    }
  }
}

/**
 * @param {import('./suite.mjs').Scenario} scenario
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
 * @param {import('./suite.mjs').Suite} suite
 * @param {import('./options.mjs').Options} options
 */
function checkNames(suite, { only, subjects, keys }) {
  const sizes = [keys, ...LARGE]
  const metrics = suite.scenarios.flatMap((scenario) =>
    scenario.metrics.flatMap((metric) => [
      metric.name,
      ...sizes.map((size) => metricName(metric, size, keys))
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
