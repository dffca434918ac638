// Fuzzes a package, a process a core: `npm run fuzz -- secret-share --count 1000000 --seed 1`. The last line says what came of it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tool } from './commands.mjs'

/** @type {Record<string, string>} */
const tests = { 'secret-share': 'packages/secret-share/test/fuzz.test.ts' }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: String(availableParallelism()) }
  }
})
for (const [name, value] of Object.entries(values)) {
  if (/^[1-9][0-9]{0,8}$/.test(value)) continue
  console.error(`--${name} takes a whole number above 0, not ${value}`)
  process.exit(1)
}
const [name = 'secret-share'] = positionals
const file = tests[name]
if (file === undefined) {
  console.error(`nothing fuzzes ${name}; there is ${Object.keys(tests).join(', ')}`)
  process.exit(1)
}

const directory = mkdtempSync(join(tmpdir(), 'fuzz-'))
const processes = Number(values.processes)
const share = Math.ceil(Number(values.count) / processes)
const runs = await Promise.all(Array.from({ length: processes }, (_, i) => run(i)))
const failed = runs.filter(({ code }) => code !== 0)
for (const { output } of failed) console.error(output.trimEnd())
const tallies = failed.length > 0 ? [] : runs.map(({ report }) => JSON.parse(readFileSync(report, 'utf8')))
rmSync(directory, { recursive: true, force: true })
const sum = (/** @type {string} */ key) => tallies.reduce((total, tally) => total + tally[key], 0)
const summary = `fuzz: ${sum('recoveries')} recoveries, ${sum('recovered')} gave the secret, ${sum('refused')} were refused, 0 mistakes`
console.log(failed.length > 0 ? 'fuzz: FAILED, see above' : summary)
process.exitCode = failed.length > 0 ? 1 : 0

/** @param {number} i */
async function run(i) {
  const report = join(directory, `${i}.json`)
  const env = {
    FUZZ_RECOVERIES: String(share),
    FUZZ_SEED: String(Number(values.seed) + i),
    FUZZ_REPORT: report
  }
  const args = ['run', '--project', name, String(file)]
  return { report, ...(await tool('vitest', 'vitest', args, { env, quiet: true })) }
}
