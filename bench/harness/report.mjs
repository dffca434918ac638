import { readFileSync } from 'node:fs'
import { table } from './table.mjs'

/**
 * @typedef {import('./suite.mjs').Suite} Suite
 * @typedef {import('./suite.mjs').Line} Line
 * @typedef {import('./suite.mjs').Reached} Reached
 * @typedef {import('./machine.mjs').Provenance} Provenance
 *
 * @typedef {{ bench: string } & Line & Provenance} ReportLine
 * @typedef {{ lines: ReportLine[], reach: Reached[] }} Report
 */

/**
 * One object a line, for programs: figures, then targets.
 *
 * @param {Suite} suite
 * @param {Report} report
 */
export function printLines({ name: bench }, { lines, reach }) {
  for (const line of lines) console.log(JSON.stringify(line))
  for (const line of reach) console.log(JSON.stringify({ bench, ...line }))
}

/**
 * What {@link printLines} printed.
 *
 * @param {string} file
 * @returns {Report}
 */
export function readLines(file) {
  const all = readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text))
  return { lines: all.filter((line) => 'metric' in line), reach: all.filter((line) => 'reach' in line) }
}

/**
 * A row for each metric and a column for each subject; then what was to be reached. It is Markdown as well.
 *
 * @param {Suite} suite
 * @param {Report} report
 */
export function printTable(suite, { lines, reach }) {
  console.log(`${suite.name}: ${origin(lines)}`)
  console.log(`random keys × 100 bytes of JSON; ${medians(lines)}\n`)

  const subjects = suite.subjects.filter((subject) => lines.some((line) => line.subject === subject))
  const metrics = new Map(lines.map(({ metric, unit, keys }) => [metric, { unit, keys }]))
  const rows = [...metrics].map(([metric, { unit, keys }]) => [
    metric,
    keys.toLocaleString('en'),
    unit,
    ...subjects.map((subject) => cell(lines, subject, [metric]))
  ])
  console.log(table(['metric', 'keys', 'unit', ...subjects], rows))
  if (reach.length === 0) return
  const reachRows = reach.map(({ reach, target, value, met }) => [
    reach,
    target,
    readable(value),
    met ? 'yes' : 'no'
  ])
  console.log(`\n${table(['reach', 'target', 'value', 'met'], reachRows)}`)
}

/**
 * The short table for the package's README.
 *
 * @param {Suite} suite
 * @param {Report} report
 */
export function printMarkdown({ summary }, { lines }) {
  if (lines.some(({ keys }) => !summary.keys.includes(keys)))
    throw new Error('the rows of this table name the usual sizes: leave --keys and --quick out')
  console.log(`${origin(lines)}; ${medians(lines)}.\n`)
  const cells = summary.rows.map(({ label, metrics }) => [
    label,
    ...summary.subjects.map((subject) => cell(lines, subject, metrics))
  ])
  console.log(
    table(
      ['', ...summary.subjects],
      cells.filter(([, ...values]) => values.some((value) => value !== ABSENT))
    )
  )
}

const ABSENT = '–'

/**
 * @param {readonly Line[]} lines
 * @param {string} subject
 * @param {readonly string[]} metrics
 */
function cell(lines, subject, metrics) {
  const most = Math.max(...lines.map(({ runs }) => runs))
  const found = metrics.map((name) => lines.find((line) => line.metric === name && line.subject === subject))
  if (found.every((line) => line === undefined)) return ABSENT
  return found
    .map((line) => (line ? `${readable(line.value)}${line.runs < most ? ' *' : ''}` : ABSENT))
    .join(' / ')
}

/** @param {readonly ReportLine[]} lines */
function origin(lines) {
  const [line] = lines
  if (line === undefined) return 'nothing measured'
  return `${line.date}, ${line.machine}, Node ${line.node}`
}

/** @param {readonly Line[]} lines */
function medians(lines) {
  const counts = lines.map(({ runs }) => runs)
  const most = Math.max(...counts)
  if (most <= 1) return 'one run'
  const fewer = Math.min(...counts)
  const exception = fewer === most ? '' : `, where a * stands of ${fewer === 1 ? 'one' : `${fewer} or more`}`
  return `medians of ${most} runs${exception}`
}

/** @param {number} value */
function readable(value) {
  return value.toLocaleString('en', { maximumSignificantDigits: 4 })
}
