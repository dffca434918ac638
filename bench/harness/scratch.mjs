// What outlives a crash if nobody looks after it: child processes and temporary directories.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
/** @type {Set<string>} */
const directories = new Set()
let stopping = false

/** Whether the bench was interrupted, and ends any moment. */
export function isStopping() {
  return stopping
}

/**
 * Kills this child when the bench is interrupted.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
export function trackChild(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/**
 * Runs something in a fresh directory, which is gone afterwards.
 *
 * @template T
 * @param {(dir: string) => Promise<T>} run
 */
export async function inScratchDirectory(run) {
  if (stopping) return new Promise(() => {})
  const dir = mkdtempSync(join(tmpdir(), 'bench-'))
  directories.add(dir)
  try {
    return await run(dir)
  } finally {
    remove(dir)
  }
}

/** Leaves nothing behind when the bench is interrupted. */
export function cleanUpOnSignals() {
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129]
  ])) {
    process.once(signal, () => void cleanUp().then(() => process.exit(code)))
  }
}

async function cleanUp() {
  stopping = true
  // A directory can be deleted for good only once nobody writes there.
  const gone = [...children].map((child) => new Promise((done) => child.once('exit', done)))
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(gone)
  for (const dir of directories) remove(dir)
}

/** @param {string} dir */
function remove(dir) {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  directories.delete(dir)
}
