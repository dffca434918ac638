// What a soak has seen so far, a line of JSON each: a run that is cut counts as far as it came.
import { appendFileSync, readFileSync } from 'node:fs'

/** @typedef {import('./report.mjs').Sample} Sample */
/** @typedef {import('./report.mjs').State} State */
/** @typedef {{ relay: State | null, clients: State | null }} States */

/** @typedef {{ before: States } | { sample: Sample } | { rest: States }} Row */

/** @param {string | null} file @param {Row} row */
export function writeRow(file, row) {
  if (file !== null) appendFileSync(file, `${JSON.stringify(row)}\n`)
}

/**
 * @param {string} file
 * @returns {{ samples: Sample[], before: States, rest: States | null }}
 */
export function readRows(file) {
  /** @type {Row[]} */
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    // The last line may have been cut, too.
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line))
  const samples = rows.flatMap((row) => ('sample' in row ? [row.sample] : []))
  const before = rows.flatMap((row) => ('before' in row ? [row.before] : []))[0]
  const rest = rows.flatMap((row) => ('rest' in row ? [row.rest] : []))[0] ?? null
  return { samples, before: before ?? { relay: null, clients: null }, rest }
}
