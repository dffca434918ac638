// One open database under constant mixed load, with its memory watched: `npm run soak -- --minutes 10`. Exits with 1 when it grows.
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { provenance } from '../harness/machine.mjs'
import { inScratchDirectory } from '../harness/scratch.mjs'
import { memoryProbe } from './memory.mjs'
import { startPeer } from './peer-process.mjs'
import { report, rowOf, HEAD } from './report.mjs'
import { Workload } from './workload.mjs'

const USAGE = `npm run soak -- [options]

  --minutes N   how long (10)
  --rate N      operations a second (400)
  --keys N      the keys it all goes round in (2000)
  --seed N      of the choices (1)`

const SAMPLES = 120
const MIN_INTERVAL_MS = 1000

const { minutes, rate, keys, seed } = readOptions()
const stop = new AbortController()
// Ctrl-C ends the load; the summary of what was measured so far still comes. A second one ends everything at once.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  })
}

const { date, machine, node } = provenance()
console.log(`soak of multi-bee: ${date}, ${machine}, Node ${node}`)
console.log(`${minutes} minutes, ${rate} operations a second, ${keys} keys, seed ${seed}\n`)
process.exitCode = (await inScratchDirectory(soak)) ? 1 : 0

/** @param {string} dir */
async function soak(dir) {
  const probe = memoryProbe()
  const workload = await Workload.open(join(dir, 'a'), { keys, seed })
  const peer = await startPeer(join(dir, 'b'), { ...(await workload.admit()), keys, seed: seed + 1 })
  await workload.follow(peer)
  try {
    const samples = await drive(workload, probe)
    return report(samples, workload.counts)
  } finally {
    await workload.close()
    await peer.stop()
  }
}

/**
 * @param {Workload} workload
 * @param {ReturnType<typeof memoryProbe>} probe
 */
async function drive(workload, probe) {
  const started = performance.now()
  const length = minutes * 60_000
  const interval = Math.max(MIN_INTERVAL_MS, length / SAMPLES)
  /** @type {import('./memory.mjs').Sample[]} */
  const samples = []
  console.log(HEAD)
  for (let done = 0, missed = 0, next = interval; !stop.signal.aborted;) {
    const elapsed = performance.now() - started
    if (elapsed >= next || elapsed >= length) {
      const sample = await probe(elapsed)
      samples.push(sample)
      console.log(rowOf(sample, done))
      next += interval
    }
    if (elapsed >= length) break
    // Never faster than asked for; and where the machine is too slow for it, what is missed by more than a second stays missed.
    const due = (elapsed / 1000) * rate - done - missed
    missed += Math.max(0, due - rate)
    if (due < 1) await new Promise((resolve) => setTimeout(resolve, (1 - due) * (1000 / rate)))
    else done += await workload.step()
  }
  return samples
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '10' },
        rate: { type: 'string', default: '400' },
        keys: { type: 'string', default: '2000' },
        seed: { type: 'string', default: '1' }
      }
    })
    const numbers = Object.entries(values).map(([name, text]) => {
      const number = Number(text)
      if (!(number > 0)) throw new Error(`--${name} takes a number above 0`)
      return [name, number]
    })
    return /** @type {Record<keyof typeof values, number>} */ (Object.fromEntries(numbers))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    return process.exit(2)
  }
}
