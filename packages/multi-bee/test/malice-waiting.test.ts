import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { tmpDir } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'

const CHILD = fileURLToPath(new URL('malice/waiting.mjs', import.meta.url))

/** `MALICE_WAITING=1000000` is the whole of it. */
const COUNT = Number(process.env['MALICE_WAITING'] ?? 100_000)

interface Puts {
  puts: number
  /** ms. */
  median: number
  worst: number
}

/** Bytes, after a collection. */
interface Memory {
  rss: number
  used: number
}

interface Report {
  before: Puts
  during: Puts
  after: Puts
  applied: number
  memoryBefore: Memory
  memoryAfter: Memory
  readMs: number
  reopenMs: number
}

test(
  'a member’s transactions that all wait for ever are not kept, and this device writes on while they are read',
  { timeout: 300_000 + COUNT },
  async () => {
    const report = await reportOf(fork(CHILD, [await tmpDir(), `${COUNT}`], { execArgv: ['--expose-gc'] }))
    console.log(`${COUNT} transactions wait: ${JSON.stringify(report)}`)
    expect(report.applied).toBe(0)
    // Pieces of 4,096 operations, and puts between any two of them.
    expect(report.during.puts).toBeGreaterThan(COUNT / 2 / 4096 - 2)
    // Kept, they would be a kilobyte each.
    expect(report.memoryAfter.used - report.memoryBefore.used).toBeLessThan(COUNT * 200)
  }
)

/** @throws when it ends without one */
function reportOf(child: ChildProcess): Promise<Report> {
  return new Promise((resolve, reject) => {
    child.once('message', (report) => resolve(report as Report))
    child.once('exit', (code, signal) => reject(new Error(`the device ended with ${code ?? signal}`)))
  })
}
