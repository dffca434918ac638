import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What `--quick` starts with: enough to see that everything runs, too little for its figures to mean anything. */
const QUICK_KEYS = 500

const USAGE = `npm run bench -- [suite] [options]

  --large               also 100 times the entries, and the subjects that are left out otherwise
  --quick               ${QUICK_KEYS} entries, one run: whether everything works; the figures mean nothing
  --keys N              entries of the small database (10000); the medium one has 10 times as many
  --runs N              each figure is the median of so many (3)
  --only name,name      only these metrics
  --subject name,name   only these subjects
  --json                one object a line instead of a table
  --markdown            the short table of the package's README instead
  --from file           shows what --json wrote to this file; measures nothing`

/**
 * @typedef {object} Options
 * @property {string} suite
 * @property {number} keys entries of the small size
 * @property {boolean} large
 * @property {number} runs
 * @property {string[] | null} only
 * @property {string[] | null} subjects
 * @property {'table' | 'json' | 'markdown'} format
 * @property {string | null} from
 */

/**
 * Reads the command line; on a mistake says so and exits.
 *
 * @param {string[]} args
 * @param {string[]} suites the first one is the default
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
      large: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      keys: { type: 'string' },
      runs: { type: 'string' },
      only: { type: 'string' },
      subject: { type: 'string' },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      from: { type: 'string' }
    }
  })
  const [suite = suites[0] ?? '', ...rest] = positionals
  if (rest.length > 0) throw new Error('One suite at a time')
  if (!suites.includes(suite)) throw new Error(`There is no suite ${suite}`)
  const { large, quick, json, markdown, from } = values
  if (json && markdown) throw new Error('--json or --markdown, not both')
  return {
    suite,
    large,
    keys: positive('--keys', values.keys ?? (quick ? QUICK_KEYS : 10_000)),
    runs: positive('--runs', values.runs ?? (quick ? 1 : 3)),
    only: list(values.only),
    subjects: list(values.subject),
    format: json ? 'json' : markdown ? 'markdown' : 'table',
    // npm starts this in another directory than the one the caller stands in.
    from: from === undefined ? null : resolve(process.env['INIT_CWD'] ?? '', from)
  }
}

/**
 * @param {string} name
 * @param {string | number} text
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
