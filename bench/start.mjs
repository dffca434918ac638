// Measures one of our packages beside its peers: `npm run bench`. Never gates: a missed target is a row, no failure.
import { provenance } from './harness/machine.mjs'
import { readOptions } from './harness/options.mjs'
import { printLines, printMarkdown, printTable, readLines } from './harness/report.mjs'
import { runSuite } from './harness/run-suite.mjs'
import { cleanUpOnSignals } from './harness/scratch.mjs'

/** @type {Record<string, () => Promise<{ suite: import('./harness/suite.mjs').Suite }>>} */
const suites = {
  'multi-bee': () => import('./multi-bee/suite.mjs'),
  's3-archiver': () => import('./s3-archiver/suite.mjs'),
  'union-bee': () => import('./union-bee/suite.mjs'),
  'secret-share': () => import('./secret-share/suite.mjs'),
  'key-rotation': () => import('./key-rotation/suite.mjs'),
  relay: () => import('./relay/suite.mjs')
}

const print = { table: printTable, json: printLines, markdown: printMarkdown }

cleanUpOnSignals()
const options = readOptions(process.argv.slice(2), Object.keys(suites))
const load = suites[options.suite]
if (load === undefined) throw new Error(`no suite ${options.suite}`)
const { suite } = await load()
print[options.format](suite, options.from === null ? await measure() : readLines(options.from))

async function measure() {
  const { lines, reach, failures } = await runSuite(suite, options)
  process.exitCode = failures === 0 ? 0 : 1
  return { lines: lines.map((line) => ({ bench: suite.name, ...line, ...provenance() })), reach }
}
