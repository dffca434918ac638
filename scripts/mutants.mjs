// Puts known bugs into a copy of packages/multi-bee, one at a time, and shows that its tests notice each.
// `--list`, `--only <regular expression>`, `--jobs 1`. The last line is `N killed, N survived`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mutants } from '../packages/multi-bee/test/mutants/all.mjs'
import { baselineOf, checkGreen, judge } from './mutants/judge.mjs'
import { PackageCopy } from './mutants/package-copy.mjs'
import { killGroups } from './mutants/process-group.mjs'

const MAX_JOBS = 2

const { values: options } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(MAX_JOBS) }
  }
})
const jobs = Number(options.jobs)
if (!Number.isInteger(jobs) || jobs < 1 || jobs > MAX_JOBS) throw new Error(`--jobs is 1 to ${MAX_JOBS}`)
const chosen = mutants.filter(({ name }) => new RegExp(options.only, 'i').test(name))

if (options.list) {
  for (const { name, fault, file } of chosen) console.log(`${name}: ${fault} (${file})`)
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'mutants-'))
  cleanUpOnSignals(scratch)
  try {
    process.exitCode = await run(scratch)
  } finally {
    remove(scratch)
  }
}

/** @param {string} scratch */
async function run(scratch) {
  const copies = Array.from({ length: jobs }, () => {
    return new PackageCopy('packages/multi-bee', mkdtempSync(join(scratch, 'copy-')))
  })
  const started = performance.now()
  /** @type {string[]} */
  const problems = []
  await share(copies, baselineOf(chosen), async (copy, group) => {
    const problem = await checkGreen(copy, group)
    if (problem !== '') problems.push(problem)
  })
  if (problems.length > 0) {
    console.error(problems.join('\n'))
    return 1
  }
  console.log(`green without any mutant (${secondsSince(started)})`)

  const counts = { killed: 0, 'timed out': 0, survived: 0, broken: 0 }
  await share(copies, chosen, async (copy, mutant) => {
    const start = performance.now()
    const { kind, by } = await judge(copy, mutant)
    counts[kind]++
    console.log(`${kind.padEnd(9)} ${secondsSince(start).padStart(6)}  ${mutant.name}  <-  ${by}`)
  })
  console.log(
    `${secondsSince(started)} in all; ${counts['timed out']} by a time limit, ${counts.broken} broken`
  )
  console.log(`${counts.killed + counts['timed out']} killed, ${counts.survived} survived`)
  return counts.survived + counts.broken === 0 && chosen.length > 0 ? 0 : 1
}

/**
 * Each worker takes the next item as soon as it is free.
 *
 * @template W, T
 * @param {readonly W[]} workers
 * @param {readonly T[]} items
 * @param {(worker: W, item: T) => Promise<void>} work
 */
async function share(workers, items, work) {
  const left = items.values()
  await Promise.all(
    workers.map(async (worker) => {
      for (const item of left) await work(worker, item)
    })
  )
}

/** @param {number} start */
function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}

/** @param {string} scratch */
function cleanUpOnSignals(scratch) {
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129]
  ])) {
    process.once(signal, () => {
      void killGroups().then(() => {
        remove(scratch)
        process.exit(code)
      })
    })
  }
}

/** @param {string} scratch */
function remove(scratch) {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
}
