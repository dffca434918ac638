// npm run simulate -- [--seeds 200] [--from 1] [--minutes M] [--jobs 2]
//
// Runs simulated worlds of devices, one for each seed, and compares them with the oracle. Ends with a summary line; when a world fails, with
// its seed and, if it was run alone, its story.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { spawn } from 'node:child_process'
import { root, toolScript } from './commands.mjs'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: '2' }
  }
})
const from = Number(values.from)
const seeds = Number(values.seeds ?? (values.minutes === undefined ? 200 : Number.MAX_SAFE_INTEGER))
const jobs = Math.max(1, Math.min(Number(values.jobs), seeds))
const scratch = mkdtempSync(join(tmpdir(), 'simulate-'))
const children = []
process.on('SIGINT', () => children.forEach((child) => child.kill('SIGINT')))

const begun = performance.now()
try {
  const results = (await Promise.all(Array.from({ length: jobs }, (_, job) => run(job)))).filter(Boolean)
  process.exitCode = summarise(results)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Runs every so many-th seed. */
async function run(job) {
  const report = join(scratch, `${job}.json`)
  const env = {
    ...process.env,
    SIMULATE_FROM: String(from + job),
    SIMULATE_STEP: String(jobs),
    SIMULATE_SEEDS: String(Math.ceil((seeds - job) / jobs)),
    SIMULATE_REPORT: report,
    ...(values.minutes === undefined ? {} : { SIMULATE_MINUTES: values.minutes })
  }
  const test = 'packages/multi-bee/test/simulator/simulate.test.ts'
  const args = [toolScript('vitest', 'vitest'), 'run', '--project', 'multi-bee', test]
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  await new Promise((resolve) => child.on('close', resolve))
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    console.error(output)
    return null
  }
}

function summarise(results) {
  const total = {}
  for (const result of results)
    for (const [name, count] of Object.entries(result.total)) total[name] = (total[name] ?? 0) + count
  const [failure] = results.filter(({ failed }) => failed !== null).sort((a, b) => a.failed - b.failed)
  if (failure !== undefined) {
    if (seeds === 1) console.log(failure.story.join('\n'))
    console.log(failure.error)
  }
  const { worlds = 0, ...events } = total
  const counts = Object.entries(events).map(([name, count]) => `${count} ${name}`)
  const seconds = Math.round((performance.now() - begun) / 1000)
  console.log(`${worlds} worlds from seed ${from} in ${seconds} s: ${counts.join(', ')}`)
  if (failure !== undefined)
    console.log(`seed ${failure.failed} fails: npm run simulate -- --from ${failure.failed} --seeds 1`)
  return failure === undefined && results.length === jobs ? 0 : 1
}
