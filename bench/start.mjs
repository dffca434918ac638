// Measures one of our packages beside its peers: `npm run bench -- multi-bee`. Never gates: a missed target is a row, no failure.
import { readOptions } from './harness/options.mjs'
import { printLines, printTable } from './harness/report.mjs'
import { runSuite } from './harness/run-suite.mjs'
import { cleanUpOnSignals } from './harness/scratch.mjs'

/** @type {Record<string, () => Promise<{ suite: import('./harness/suite.mjs').Suite }>>} */
const suites = {
  'multi-bee': () => import('./multi-bee/suite.mjs')
}

cleanUpOnSignals()
const options = readOptions(process.argv.slice(2), Object.keys(suites))
const load = suites[options.suite]
if (load === undefined) throw new Error(`no suite ${options.suite}`)
const { suite } = await load()
const outcome = await runSuite(suite, options)
if (options.json) printLines(suite, outcome)
else printTable(suite, outcome, options)
process.exitCode = outcome.failures === 0 ? 0 : 1
