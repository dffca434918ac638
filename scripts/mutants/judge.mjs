import { tool } from '../commands.mjs'
import { runTests } from './run-tests.mjs'

/**
 * @typedef {import('./package-copy.mjs').PackageCopy} PackageCopy
 * @typedef {import('../../packages/multi-bee/test/mutants/all.mjs').Mutant} Mutant
 *
 * @typedef {object} Verdict
 * @property {'killed' | 'timed out' | 'survived' | 'broken'} kind `broken`: it fails, but not in a test
 * @property {string} by the test that failed, or what else went wrong
 */

/**
 * Puts a mutant into the copy and runs the tests that should notice.
 *
 * @param {PackageCopy} copy
 * @param {Mutant} mutant
 * @returns {Promise<Verdict>}
 */
export function judge(copy, mutant) {
  return copy.changed(mutant, async () => {
    const project = ['-p', 'tsconfig.build.json', '--noEmit']
    const types = await tool('typescript', 'tsc', project, { cwd: copy.folder, quiet: true })
    if (types.code !== 0) return { kind: 'broken', by: types.output.trim() }
    const { failed, timedOut, outside } = await runTests(copy, mutant.caughtBy)
    if (timedOut) return { kind: 'timed out', by: 'the run as a whole' }
    if (outside !== '') return { kind: 'broken', by: outside }
    if (failed === null) return { kind: 'survived', by: `nothing in ${mutant.caughtBy.file}` }
    const kind = failed.message.includes('Test timed out in') ? 'timed out' : 'killed'
    return { kind, by: failed.name }
  })
}

/**
 * The selections that mutants name, with as few runs as there are files and numbers of examples.
 *
 * @param {readonly Mutant[]} mutants
 */
export function baselineOf(mutants) {
  /** @type {Map<string, import('./run-tests.mjs').Selection[]>} */
  const groups = new Map()
  for (const { caughtBy } of mutants) {
    const group = `${caughtBy.file} ${caughtBy.runs ?? ''}`
    groups.set(group, [...(groups.get(group) ?? []), caughtBy])
  }
  return [...groups.values()]
}

/**
 * What keeps the unmutated tests of one file from proving anything; empty when nothing does.
 *
 * @param {PackageCopy} copy
 * @param {readonly import('./run-tests.mjs').Selection[]} selections of one file, with one number of examples
 */
export async function checkGreen(copy, selections) {
  const [first] = selections
  if (first === undefined) return ''
  const patterns = [...new Set(selections.map(({ tests = '' }) => tests))]
  const report = await runTests(copy, { ...first, tests: patterns.map((each) => `(${each})`).join('|') })
  if (report.timedOut) return `${first.file} takes too long without any mutant`
  if (report.failed !== null)
    return `${first.file} fails without any mutant: ${report.failed.name}\n${report.failed.message}`
  if (report.outside !== '') return `${first.file} fails without any mutant:\n${report.outside}`
  const idle = patterns.filter((pattern) => !report.passed.some((name) => new RegExp(pattern).test(name)))
  return idle.map((pattern) => `no test in ${first.file} is called ${pattern}`).join('\n')
}
