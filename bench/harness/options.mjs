import { parseArgs } from 'node:util'

const USAGE = `npm run bench -- <suite> [options]

  --keys N              entries of the data (10000)
  --large               also 100,000 keys, and 1,000,000 where the subject gets there
  --runs N              each figure is the median of so many (3)
  --only name,name      only these metrics
  --subject name,name   only these subjects
  --json                one object a line instead of a table`

/**
 * @typedef {object} Options
 * @property {string} suite
 * @property {number} keys
 * @property {boolean} large
 * @property {number} runs
 * @property {string[] | null} only
 * @property {string[] | null} subjects
 * @property {boolean} json
 */

/**
 * Reads the command line; on a mistake says so and exits.
 *
 * @param {string[]} args
 * @param {string[]} suites
 * @returns {Options}
 */
export function readOptions(args, suites) {
  try {
    return parse(args, suites)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    console.error(`\nsuites: ${suites.join(', ')}`)
    return process.exit(2)
  }
}

/**
 * @param {string[]} args
 * @param {string[]} suites
 * @returns {Options}
 */
function parse(args, suites) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      keys: { type: 'string', default: '10000' },
      large: { type: 'boolean', default: false },
      runs: { type: 'string', default: '3' },
      only: { type: 'string' },
      subject: { type: 'string' },
      json: { type: 'boolean', default: false }
    }
  })
  const [suite, ...rest] = positionals
  if (suite === undefined || rest.length > 0) throw new Error('Which suite?')
  if (!suites.includes(suite)) throw new Error(`There is no suite ${suite}`)
  const { large, json } = values
  const keys = positive('--keys', values.keys)
  const runs = positive('--runs', values.runs)
  return { suite, keys, runs, large, json, only: list(values.only), subjects: list(values.subject) }
}

/**
 * @param {string} name
 * @param {string} text
 */
function positive(name, text) {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${name} takes a whole number above 0`)
  return number
}

/** @param {string | undefined} text */
function list(text) {
  return text === undefined ? null : text.split(',').map((name) => name.trim())
}
