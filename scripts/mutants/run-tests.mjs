import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { toolScript } from '../commands.mjs'
import { runGroup } from './process-group.mjs'

/** What the tests of one file may take; each single test has half of it. */
const LIMIT_MS = 120_000

/**
 * @typedef {object} Selection
 * @property {string[]} files below `test`
 * @property {string} tests regular expression over whole names
 * @property {number | undefined} runs examples of each property, in place of its own number
 *
 * @typedef {object} Report
 * @property {string[]} passed names
 * @property {{ name: string, message: string } | null} failed the first
 * @property {boolean} timedOut the run as a whole
 * @property {string} outside what went wrong, if anything did, and no test can be blamed for it
 */

/**
 * Runs tests of a package's copy up to the first that fails. Properties try the same examples every time, and do not shrink.
 *
 * @param {import('./package-copy.mjs').PackageCopy} copy
 * @param {Selection} selection
 * @returns {Promise<Report>}
 */
export async function runTests({ folder, temporary }, { files, tests, runs }) {
  const reportFile = join(temporary, 'report.json')
  rmSync(reportFile, { force: true })
  const args = [
    toolScript('vitest', 'vitest'),
    'run',
    ...files.map((file) => `test/${file}`),
    `--root=${folder}`,
    '--bail=1',
    '--maxWorkers=1',
    `--testTimeout=${LIMIT_MS / 2}`,
    `--hookTimeout=${LIMIT_MS / 2}`,
    '--reporter=json',
    `--outputFile=${reportFile}`,
    `--testNamePattern=${tests}`
  ]
  const env = {
    // Windows asks for the other two.
    TMPDIR: temporary,
    TMP: temporary,
    TEMP: temporary,
    PROPERTY_SEED: process.env['PROPERTY_SEED'] ?? '1',
    PROPERTY_SHRINK: '0',
    // What never happens is to be told soon.
    UNTIL_MS: String(LIMIT_MS / 12),
    ...(runs === undefined ? {} : { PROPERTY_RUNS: String(runs) })
  }
  const { code, timedOut, output } = await runGroup(args, {
    cwd: folder,
    env,
    limitMs: files.length * LIMIT_MS
  })
  if (timedOut) return { passed: [], failed: null, timedOut, outside: '' }
  if (!existsSync(reportFile)) return { passed: [], failed: null, timedOut, outside: output }
  return readReport(JSON.parse(readFileSync(reportFile, 'utf8')), code, output)
}

/**
 * @typedef {{ fullName: string, status: string, failureMessages: string[] }} Assertion
 *
 * @param {{ testResults: { message: string, assertionResults: Assertion[] }[] }} report as vitest writes it
 * @param {number} code
 * @param {string} output
 * @returns {Report}
 */
function readReport({ testResults }, code, output) {
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  const passed = all.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)
  const failure = all.find(({ status }) => status === 'failed')
  if (failure !== undefined) {
    const failed = { name: failure.fullName, message: failure.failureMessages.join('\n') }
    return { passed, failed, timedOut: false, outside: '' }
  }
  // A file that does not load, or a rejection nobody was there for.
  const messages = testResults.map(({ message }) => message).filter((message) => message !== '')
  const outside = code === 0 ? '' : [...messages, output].join('\n').trim() || `exit code ${code}`
  return { passed, failed: null, timedOut: false, outside }
}
