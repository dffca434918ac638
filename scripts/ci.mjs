// Everything, as continuous integration runs it. The last line is `N passed, N failed`.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { npm, root, tool } from './commands.mjs'

/** @typedef {{ passed: number, failed: number }} Counts */

const temporary = mkdtempSync(join(tmpdir(), 'sdk-ci-'))
const total = { passed: 0, failed: 0 }

try {
  await step('Gates', runGates)
  await step('Tests', runTests)
  for (const folder of folders('examples', 'package.json'))
    await step(`Example ${folder}`, () => runExample(folder))
  for (const folder of folders('packages', 'test/bare/smoke.mjs')) {
    await step(`Bare smoke ${folder}`, () => runOnBare(join(folder, 'test/bare/smoke.mjs')))
  }
} finally {
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
}

process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
console.log(`${total.passed} passed, ${total.failed} failed`)

/**
 * @param {string} title
 * @param {() => Promise<Counts>} run
 */
async function step(title, run) {
  console.log(`\n== ${title}`)
  const { passed, failed } = await run().catch((error) => {
    console.error(error)
    return { passed: 0, failed: 1 }
  })
  total.passed += passed
  total.failed += failed
}

async function runGates() {
  const report = join(temporary, 'gates.json')
  const { code } = await npm(['run', 'check', '--', `--report=${report}`])
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { passed: 0, failed: 0 }
  return withExitCode(counts, code)
}

async function runTests() {
  const report = join(temporary, 'tests.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { code } = await npm(['test', '--', ...reporters])
  if (!existsSync(report)) return { passed: 0, failed: 1 }
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
  return withExitCode({ passed: numPassedTests, failed: numFailedTests }, code)
}

/** @param {string} folder */
async function runExample(folder) {
  const manifest = JSON.parse(readFileSync(resolve(root, folder, 'package.json'), 'utf8'))
  if (!manifest.scripts?.test) throw new Error(`${folder} has no test script`)
  return asCounts(await npm(['test'], { cwd: resolve(root, folder) }))
}

/** @param {string} script */
async function runOnBare(script) {
  return asCounts(await tool('bare', 'bare', [script]))
}

/** @param {{ code: number }} result */
function asCounts({ code }) {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/**
 * A run can fail without a failed test: a file that does not load, an unhandled rejection.
 *
 * @param {Counts} counts
 * @param {number} code
 * @returns {Counts}
 */
function withExitCode({ passed, failed }, code) {
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) }
}

/**
 * @param {string} parent
 * @param {string} file
 */
function folders(parent, file) {
  if (!existsSync(resolve(root, parent))) return []
  const names = readdirSync(resolve(root, parent))
  return names.map((name) => `${parent}/${name}`).filter((folder) => existsSync(resolve(root, folder, file)))
}
