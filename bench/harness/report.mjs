import { machine } from './machine.mjs'
import { table } from './table.mjs'

/**
 * One object a line, for programs.
 *
 * @param {import('./suite.mjs').Suite} suite
 * @param {import('./run-suite.mjs').Outcome} outcome
 */
export function printLines({ name: bench }, { lines, reach }) {
  for (const { subject, metric, unit, value, runs } of lines) {
    console.log(JSON.stringify({ bench, subject, metric, unit, value, runs }))
  }
  for (const line of reach) console.log(JSON.stringify({ bench, ...line }))
}

/**
 * A row for each metric and a column for each subject; then what was to be reached. It is Markdown as well.
 *
 * @param {import('./suite.mjs').Suite} suite
 * @param {import('./run-suite.mjs').Outcome} outcome
 * @param {import('./options.mjs').Options} options
 */
export function printTable(suite, { lines, reach }, { keys, runs }) {
  const count = runs === 1 ? 'one run' : `medians of ${runs} runs`
  console.log(`${suite.name}, ${new Date().toISOString().slice(0, 10)}, ${machine()}`)
  console.log(`npm run bench -- ${process.argv.slice(2).join(' ')}`)
  console.log(
    `${keys.toLocaleString('en')} random keys with 100 bytes of JSON unless a name says otherwise; ${count}\n`
  )

  const subjects = suite.subjects.filter((subject) => lines.some((line) => line.subject === subject))
  const metrics = [...new Map(lines.map(({ metric, unit }) => [metric, unit]))]
  const rows = metrics.map(([metric, unit]) => [
    metric,
    unit,
    ...subjects.map((subject) => {
      const line = lines.find((line) => line.metric === metric && line.subject === subject)
      return line === undefined ? '–' : readable(line.value)
    })
  ])
  console.log(table(['metric', 'unit', ...subjects], rows))
  if (reach.length === 0) return
  const reachRows = reach.map(({ reach, target, value, met }) => [
    reach,
    target,
    readable(value),
    met ? 'yes' : 'no'
  ])
  console.log(`\n${table(['reach', 'target', 'value', 'met'], reachRows)}`)
}

/** @param {number} value */
function readable(value) {
  return value.toLocaleString('en', { maximumSignificantDigits: 4 })
}
