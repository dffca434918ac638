// Everything, as continuous integration runs it. The last line is `N passed, N failed`.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { command, npm, root, tool } from './commands.mjs'

/** @typedef {{ passed: number, failed: number }} Counts */

/** The object store that tests run against, the browser of an example, and what network namespaces take. Elsewhere than on Linux they say that they skip them. */
const PACKAGES = ['ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'chromium', 'iproute2', 'nftables']
const COMMANDS = ['radosgw', 'chromium', 'nft']
const needsPackages = process.platform === 'linux'
/** Nobody else may make namespaces. */
const isRoot = process.getuid?.() === 0

const temporary = mkdtempSync(join(tmpdir(), 'sdk-ci-'))
const total = { passed: 0, failed: 0 }

try {
  await step('Gates', runGates)
  if (needsPackages) await step('Ceph, Chromium and network tools', installPackages)
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

/** With Debian's package manager, where it is missing. Without it the tests fail, since it is demanded of them. */
async function installPackages() {
  const found = await Promise.all(COMMANDS.map((name) => command(name, ['--version'])))
  if (found.every(({ code }) => code === 0)) return { passed: 0, failed: 0 }
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (/** @type {string[]} */ args) =>
    isRoot
      ? command('apt-get', args, { env })
      : command('sudo', ['--non-interactive', '--preserve-env=DEBIAN_FRONTEND', 'apt-get', ...args], { env })
  const updated = await apt(['update', '--quiet'])
  if (updated.code !== 0) return asCounts(updated)
  const { code } = await apt(['install', '--yes', '--quiet', '--no-install-recommends', ...PACKAGES])
  return { passed: 0, failed: code === 0 ? 0 : 1 }
}

async function runTests() {
  const report = join(temporary, 'tests.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const env = needsPackages ? { REQUIRE_CEPH: '1', REQUIRE_NAMESPACES: isRoot ? '1' : '' } : {}
  const { code } = await npm(['test', '--', ...reporters], { env })
  if (!existsSync(report)) return { passed: 0, failed: 1 }
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
  return withExitCode({ passed: numPassedTests, failed: numFailedTests }, code)
}

/** @param {string} folder */
async function runExample(folder) {
  const manifest = JSON.parse(readFileSync(resolve(root, folder, 'package.json'), 'utf8'))
  if (!manifest.scripts?.test) throw new Error(`${folder} has no test script`)
  const env = needsPackages ? { REQUIRE_CEPH: '1', REQUIRE_NAMESPACES: isRoot ? '1' : '' } : {}
  return asCounts(await npm(['test'], { cwd: resolve(root, folder), env }))
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
