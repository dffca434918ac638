import { spawn, spawnSync } from 'node:child_process'

const isWindows = process.platform === 'win32'

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
let stopping = false

/**
 * @typedef {object} Outcome
 * @property {number} code
 * @property {boolean} timedOut
 * @property {string} output
 */

/**
 * Runs a script with this Node as a group of processes of its own, which is killed when the time is over: a test that spins keeps
 * its worker from hearing anything gentler. Never resolves once {@link killGroups} was called.
 *
 * @param {string[]} args
 * @param {{ cwd: string, env: Record<string, string>, limitMs: number }} options
 * @returns {Promise<Outcome>}
 */
export function runGroup(args, { cwd, env, limitMs }) {
  return new Promise((done) => {
    if (stopping) return
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !isWindows
    })
    running.add(child)
    let output = ''
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child)
    }, limitMs)
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    child.on('error', (error) => (output += error.message))
    child.on('close', (code) => {
      clearTimeout(timer)
      running.delete(child)
      if (!stopping) done({ code: code ?? 1, timedOut, output })
    })
  })
}

/** Kills every group that runs, and resolves when they are gone. */
export async function killGroups() {
  stopping = true
  const gone = [...running].map((child) => new Promise((done) => child.once('close', done)))
  for (const child of running) killGroup(child)
  await Promise.all(gone)
}

/** @param {import('node:child_process').ChildProcess} child */
function killGroup({ pid }) {
  if (pid === undefined) return
  if (isWindows) {
    spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'])
    return
  }
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}
