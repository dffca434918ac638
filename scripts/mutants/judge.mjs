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
    const { file, tests, runs } = mutant.caughtBy
    const { failed, timedOut, outside } = await runTests(copy, { files: [file], tests, runs })
    if (timedOut) return { kind: 'timed out', by: 'the run as a whole' }
    if (outside !== '') return { kind: 'broken', by: outside }
    if (failed === null) return { kind: 'survived', by: `nothing in ${file}` }
    const kind = failed.message.includes('Test timed out in') ? 'timed out' : 'killed'
    return { kind, by: failed.name }
  })
}

/**
 * The tests that mutants name, in as few runs as there are numbers of examples.
 *
 * @param {readonly Mutant[]} mutants
 */
export function baselineOf(mutants) {
  /** @type {Map<number | undefined, Mutant['caughtBy'][]>} */
  const groups = new Map()
  for (const { caughtBy } of mutants)
    groups.set(caughtBy.runs, [...(groups.get(caughtBy.runs) ?? []), caughtBy])
  return [...groups].map(([runs, group]) => ({
    runs,
    files: [...new Set(group.map(({ file }) => file))],
    patterns: [...new Set(group.map(({ tests }) => tests))]
  }))
}

/**
 * What keeps unmutated tests from proving anything; empty when nothing does.
 *
 * @param {PackageCopy} copy
 * @param {ReturnType<typeof baselineOf>[number]} group
 */
export async function checkGreen(copy, { runs, files, patterns }) {
  const tests = patterns.map((pattern) => `(${pattern})`).join('|')
  const { passed, failed, timedOut, outside } = await runTests(copy, { files, tests, runs })
  if (timedOut) return `without any mutant these take too long: ${files.join(', ')}`
  if (failed !== null) return `a test fails without any mutant: ${failed.name}\n${failed.message}`
  if (outside !== '') return `tests fail without any mutant:\n${outside}`
  const idle = patterns.filter((pattern) => !passed.some((name) => new RegExp(pattern).test(name)))
  return idle.map((pattern) => `no test is called ${pattern}`).join('\n')
}
